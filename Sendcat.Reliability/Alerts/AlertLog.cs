using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Alerts;

/// <summary>Event ids 2800–2899.</summary>
internal static partial class AlertLog
{
    [LoggerMessage(2801, LogLevel.Warning, "Tool queue alert raised: {Kind} {Observed} > {Threshold}")]
    public static partial void QueueAlertRaised(this ILogger logger, string kind, long observed, long threshold);

    [LoggerMessage(2802, LogLevel.Information, "Tool queue alert resolved: {Kind}")]
    public static partial void QueueAlertResolved(this ILogger logger, string kind);

    [LoggerMessage(2803, LogLevel.Warning, "Tool queue not checked: {Error}")]
    public static partial void QueueNotChecked(this ILogger logger, string error);
}
