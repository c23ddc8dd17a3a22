using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Event ids 2700–2799.</summary>
internal static partial class ToolJobLog
{
    [LoggerMessage(2701, LogLevel.Warning, "Tool job signals unavailable: {Error}")]
    public static partial void SignalsUnavailable(this ILogger logger, string error);

    [LoggerMessage(2702, LogLevel.Warning, "Outbox of {Tool} not published: {Error}")]
    public static partial void OutboxNotPublished(this ILogger logger, string tool, string error);

    [LoggerMessage(2703, LogLevel.Warning, "Tool job sweep failed: {Error}")]
    public static partial void SweepFailed(this ILogger logger, string error);

    [LoggerMessage(2704, LogLevel.Warning, "{Count} jobs of {Tool} recovered from workers that stopped responding")]
    public static partial void JobsRecovered(this ILogger logger, int count, string tool);

    [LoggerMessage(2705, LogLevel.Error, "{Count} jobs of {Tool} dead-lettered: their workers crashed on every attempt")]
    public static partial void JobsDeadLettered(this ILogger logger, int count, string tool);

    [LoggerMessage(2706, LogLevel.Warning, "{Count} messages of {Tool} lost by the broker, publishing again")]
    public static partial void MessagesLost(this ILogger logger, int count, string tool);

    [LoggerMessage(2707, LogLevel.Warning, "Waiting turns could not read their jobs: {Error}")]
    public static partial void WaitersNotRead(this ILogger logger, string error);

    [LoggerMessage(2708, LogLevel.Warning, "Job of {Tool} not inserted: {Error}")]
    public static partial void InsertFailed(this ILogger logger, string tool, string error);

    [LoggerMessage(2709, LogLevel.Warning, "Abandoned job not cancelled: {Error}")]
    public static partial void CancelFailed(this ILogger logger, string error);

    [LoggerMessage(2710, LogLevel.Debug, "Turn waits for job {Job} of {Tool}, joined: {Joined}")]
    public static partial void JobEntered(this ILogger logger, Guid job, string tool, bool joined);

    [LoggerMessage(2711, LogLevel.Warning, "Change of dead letters interrupted: {Error}")]
    public static partial void BulkInterrupted(this ILogger logger, string error);

    [LoggerMessage(2720, LogLevel.Error, "Publisher of {Tool} failed unexpectedly, restarting")]
    public static partial void PublisherFailed(this ILogger logger, string tool, Exception exception);
}
