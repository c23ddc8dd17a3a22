using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Admission;

/// <summary>Event ids 2000–2099.</summary>
internal static partial class AdmissionLog
{
    [LoggerMessage(2001, LogLevel.Information, "Admission denied {Principal}: {Reason}, retry after {RetryAfterMs} ms")]
    public static partial void AdmissionDenied(this ILogger logger, string principal, string reason, int retryAfterMs);

    [LoggerMessage(2002, LogLevel.Information, "Turn {StreamId} of {Principal} released (all replicas reached: {Reached})")]
    public static partial void TurnReleased(this ILogger logger, string principal, string streamId, bool reached);
}
