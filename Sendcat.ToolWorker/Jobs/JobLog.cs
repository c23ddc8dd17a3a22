namespace Sendcat.ToolWorker.Jobs;

/// <summary>Event ids 7100–7199.</summary>
internal static partial class JobLog
{
    [LoggerMessage(7101, LogLevel.Warning, "The lane {Tool} was interrupted: {Error}")]
    public static partial void LaneInterrupted(this ILogger logger, string tool, string error);

    [LoggerMessage(7102, LogLevel.Warning, "The leases of {Count} jobs could not be renewed: {Error}")]
    public static partial void RenewalFailed(this ILogger logger, int count, string error);

    [LoggerMessage(7103, LogLevel.Error, "The handler of {Tool} threw for job {Job}")]
    public static partial void HandlerThrew(this ILogger logger, string tool, Guid job, Exception exception);

    [LoggerMessage(7104, LogLevel.Warning, "An end of {Tool} could not be recorded yet: {Error}")]
    public static partial void RecordAway(this ILogger logger, string tool, string error);

    [LoggerMessage(7105, LogLevel.Warning, "Job {Job} of {Tool} was cancelled or taken over during attempt {Attempt}; nothing was committed")]
    public static partial void JobLost(this ILogger logger, string tool, Guid job, int attempt);

    [LoggerMessage(7106, LogLevel.Error, "The end of job {Job} of {Tool} was not recorded")]
    public static partial void EndUnrecorded(this ILogger logger, string tool, Guid job, Exception exception);

    [LoggerMessage(7107, LogLevel.Error, "The queue of {Tool} does not answer; it is deleted and made anew")]
    public static partial void QueueSilent(this ILogger logger, string tool);

    [LoggerMessage(7110, LogLevel.Error, "The lane {Tool} broke and begins anew")]
    public static partial void LaneBroke(this ILogger logger, string tool, Exception surprise);
}
