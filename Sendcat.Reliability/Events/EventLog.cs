using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Events;

/// <summary>Event ids 2600–2699.</summary>
internal static partial class EventLog
{
    [LoggerMessage(2601, LogLevel.Warning, "{Count} rate limit events not written, retrying: {Error}")]
    public static partial void EventsUnwritten(this ILogger logger, int count, string error);

    [LoggerMessage(2602, LogLevel.Warning, "Expired rate limit events not deleted: {Error}")]
    public static partial void SweepFailed(this ILogger logger, string error);

    [LoggerMessage(2603, LogLevel.Warning, "{Count} incident marks not written, retrying: {Error}")]
    public static partial void MarksUnwritten(this ILogger logger, int count, string error);
}
