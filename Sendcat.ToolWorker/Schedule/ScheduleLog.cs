namespace Sendcat.ToolWorker.Schedule;

/// <summary>Event ids 7500–7599.</summary>
internal static partial class ScheduleLog
{
    [LoggerMessage(7501, LogLevel.Warning, "Scheduled job {Job} failed: {Result}")]
    public static partial void ScheduledJobFailed(this ILogger logger, string job, string result);

    [LoggerMessage(7502, LogLevel.Error, "Scheduled job {Job} failed unexpectedly")]
    public static partial void ScheduledJobThrew(this ILogger logger, string job, Exception exception);

    [LoggerMessage(7503, LogLevel.Warning, "Scheduled jobs cannot be claimed: {Cause}")]
    public static partial void ScheduleUnavailable(this ILogger logger, string cause);

    [LoggerMessage(7504, LogLevel.Warning, "End of scheduled job {Job} not stored, it runs again: {Cause}")]
    public static partial void ScheduledEndNotStored(this ILogger logger, string job, string cause);
}
