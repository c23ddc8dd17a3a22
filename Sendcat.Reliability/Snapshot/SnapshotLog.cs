using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Snapshot;

/// <summary>Event ids 2950–2999.</summary>
internal static partial class SnapshotLog
{
    [LoggerMessage(2950, LogLevel.Warning, "The status of the process is not shown to operators: {Error}")]
    public static partial void StatusUnwritten(this ILogger logger, string error);

    [LoggerMessage(2951, LogLevel.Warning, "The process was {Change} by an operator")]
    public static partial void DrainChanged(this ILogger logger, string change);

    [LoggerMessage(2953, LogLevel.Warning, "The process stops, for a restart by an operator: {Turns} turns and {Jobs} jobs run")]
    public static partial void Restarting(this ILogger logger, int turns, int jobs);

    [LoggerMessage(2952, LogLevel.Warning, "Restarts of the stores are not seen: {Error}")]
    public static partial void StoresUnseen(this ILogger logger, string error);
}
