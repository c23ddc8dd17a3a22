using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Event ids 2700–2799.</summary>
internal static partial class ToolJobLog
{
    [LoggerMessage(2701, LogLevel.Warning, "Tool job signals are away: {Error}")]
    public static partial void SignalsAway(this ILogger logger, string error);

    [LoggerMessage(2702, LogLevel.Warning, "The outbox of {Tool} could not be published: {Error}")]
    public static partial void OutboxStuck(this ILogger logger, string tool, string error);

    [LoggerMessage(2703, LogLevel.Warning, "The sweeper could not do its round: {Error}")]
    public static partial void SweepFailed(this ILogger logger, string error);

    [LoggerMessage(2704, LogLevel.Warning, "{Count} jobs of {Tool} were rescued from workers that fell silent")]
    public static partial void JobsRescued(this ILogger logger, int count, string tool);

    [LoggerMessage(2705, LogLevel.Error, "{Count} jobs of {Tool} took their worker with them too often and are dead letters now")]
    public static partial void JobsPoisonous(this ILogger logger, int count, string tool);

    [LoggerMessage(2706, LogLevel.Warning, "{Count} messages of {Tool} were lost by the broker and are published again")]
    public static partial void MessagesLost(this ILogger logger, int count, string tool);

    [LoggerMessage(2707, LogLevel.Warning, "Waiters could not read the record: {Error}")]
    public static partial void WaitersBlind(this ILogger logger, string error);

    [LoggerMessage(2708, LogLevel.Warning, "A job of {Tool} could not be entered: {Error}")]
    public static partial void EntryFailed(this ILogger logger, string tool, string error);

    [LoggerMessage(2709, LogLevel.Warning, "A job that a turn gave up could not be left: {Error}")]
    public static partial void LeavingFailed(this ILogger logger, string error);

    [LoggerMessage(2710, LogLevel.Debug, "A turn waits for job {Job} of {Tool}, joined: {Joined}")]
    public static partial void JobEntered(this ILogger logger, Guid job, string tool, bool joined);

    [LoggerMessage(2720, LogLevel.Error, "The publisher of {Tool} broke and begins anew")]
    public static partial void OutboxBroke(this ILogger logger, string tool, Exception surprise);

    [LoggerMessage(2721, LogLevel.Error, "A round of the sweeper broke")]
    public static partial void SweepBroke(this ILogger logger, Exception surprise);
}
