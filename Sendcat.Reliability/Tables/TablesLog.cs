using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Tables;

/// <summary>Event ids 2930–2949.</summary>
internal static partial class TablesLog
{
    [LoggerMessage(2930, LogLevel.Warning, "{Work} failed, keeping the last known values: {Error}")]
    public static partial void TableUnread(this ILogger logger, string work, string error);

    [LoggerMessage(2931, LogLevel.Warning, "{Work}: signal after a change lost; other replicas read it within seconds ({Error})")]
    public static partial void SignalLost(this ILogger logger, string work, string error);

    [LoggerMessage(2932, LogLevel.Warning, "{Work} failed, repeating with the next round: {Failure}")]
    public static partial void NotSwept(this ILogger logger, string work, string failure);
}
