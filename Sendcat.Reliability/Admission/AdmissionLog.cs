using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Admission;

/// <summary>Event ids 2000–2099.</summary>
internal static partial class AdmissionLog
{
    [LoggerMessage(2001, LogLevel.Debug, "Admission denied {Principal}: {Reason}, retry after {RetryAfterMs} ms")]
    public static partial void AdmissionDenied(this ILogger logger, string principal, string reason, int retryAfterMs);

    [LoggerMessage(2003, LogLevel.Information, "Admission denied {Turns} turns within a minute: {Reason}; one of them was of {Principal}")]
    public static partial void TurnsDenied(this ILogger logger, int turns, string reason, string principal);

    [LoggerMessage(2002, LogLevel.Information, "Turn {StreamId} of {Principal} released (all replicas reached: {Reached})")]
    public static partial void TurnReleased(this ILogger logger, string principal, string streamId, bool reached);
}
