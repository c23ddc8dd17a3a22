namespace Sendcat.ToolWorker.Jobs;

/// <summary>Event ids 7100–7199.</summary>
internal static partial class JobLog
{
    [LoggerMessage(7101, LogLevel.Warning, "Lane {Tool} interrupted: {Error}")]
    public static partial void LaneInterrupted(this ILogger logger, string tool, string error);

    [LoggerMessage(7102, LogLevel.Warning, "Leases of {Count} jobs not renewed: {Error}")]
    public static partial void RenewalFailed(this ILogger logger, int count, string error);

    [LoggerMessage(7103, LogLevel.Error, "Handler of {Tool} threw for job {Job}")]
    public static partial void HandlerThrew(this ILogger logger, string tool, Guid job, Exception exception);

    [LoggerMessage(7104, LogLevel.Warning, "End of a job of {Tool} not persisted, retrying: {Error}")]
    public static partial void PersistFailed(this ILogger logger, string tool, string error);

    [LoggerMessage(7105, LogLevel.Warning, "Job {Job} of {Tool} cancelled or taken over during attempt {Attempt}; nothing committed")]
    public static partial void JobLost(this ILogger logger, string tool, Guid job, int attempt);

    [LoggerMessage(7106, LogLevel.Error, "End of job {Job} of {Tool} not persisted")]
    public static partial void EndNotPersisted(this ILogger logger, string tool, Guid job, Exception exception);

    [LoggerMessage(7107, LogLevel.Error, "Queue of {Tool} does not respond; deleting and declaring it again")]
    public static partial void QueueUnresponsive(this ILogger logger, string tool);

    [LoggerMessage(7110, LogLevel.Error, "Lane {Tool} failed unexpectedly, restarting")]
    public static partial void LaneFailed(this ILogger logger, string tool, Exception exception);
}
