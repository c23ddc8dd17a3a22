using Microsoft.Extensions.Logging;

namespace Sendcat.Reliability.Alerts;

/// <summary>Event ids 2800–2899.</summary>
internal static partial class AlertLog
{
    [LoggerMessage(2801, LogLevel.Warning, "The tool queue is unwell: {Kind} was {Observed}, more than {Threshold}")]
    public static partial void QueueUnwell(this ILogger logger, string kind, long observed, long threshold);

    [LoggerMessage(2802, LogLevel.Information, "The tool queue's {Kind} is well again")]
    public static partial void QueueWellAgain(this ILogger logger, string kind);

    [LoggerMessage(2803, LogLevel.Warning, "The tool queue could not be judged: {Error}")]
    public static partial void QueueNotJudged(this ILogger logger, string error);
}
