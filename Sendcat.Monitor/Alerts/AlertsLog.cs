namespace Sendcat.Monitor.Alerts;

/// <summary>Event ids 7900–7999.</summary>
internal static partial class AlertsLog
{
    [LoggerMessage(7900, LogLevel.Warning, "Alert raised: {Kind} {Subject}: {Cause} See {Playbook}")]
    public static partial void AlertRaised(this ILogger logger, string kind, string subject, string cause, string playbook);

    [LoggerMessage(7901, LogLevel.Information, "Alert resolved: {Kind} {Subject}")]
    public static partial void AlertResolved(this ILogger logger, string kind, string subject);

    [LoggerMessage(7902, LogLevel.Warning, "Alert {Kind} not sent to {Channel}, repeating: {Failure}")]
    public static partial void NotSent(this ILogger logger, string kind, string channel, string failure);

    [LoggerMessage(7903, LogLevel.Warning, "Postgres is unavailable, alerts continue in memory: {Error}")]
    public static partial void ContinuesInMemory(this ILogger logger, string error);

    [LoggerMessage(7904, LogLevel.Information, "Alerts are stored in Postgres again")]
    public static partial void StoredAgain(this ILogger logger);
}
