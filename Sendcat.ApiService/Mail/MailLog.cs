namespace Sendcat.ApiService.Mail;

/// <summary>Event ids 1400–1499. Neither addresses nor links are logged.</summary>
internal static partial class MailLog
{
    [LoggerMessage(1400, LogLevel.Warning, "Mail {Key} not sent: RESEND_API_KEY is not configured")]
    public static partial void MailNotConfigured(this ILogger logger, string key);

    [LoggerMessage(1401, LogLevel.Information, "Mail {Key} sent")]
    public static partial void MailSent(this ILogger logger, string key);

    [LoggerMessage(1402, LogLevel.Error, "Mail {Key} rejected by the mail service with status {Status}")]
    public static partial void MailRejected(this ILogger logger, string key, int status);

    [LoggerMessage(1404, LogLevel.Error, "Mail could not be queued")]
    public static partial void MailJobFailed(this ILogger logger, Exception fault);

    [LoggerMessage(1405, LogLevel.Error, "Mail dropped: {Reason}")]
    public static partial void MailDropped(this ILogger logger, string reason);

    [LoggerMessage(1406, LogLevel.Error, "{Count} queued mails not sent: the process stopped")]
    public static partial void QueuedMailsLost(this ILogger logger, int count);

    [LoggerMessage(1403, LogLevel.Error, "Mail {Key} not sent: {Cause}")]
    public static partial void MailFailed(this ILogger logger, string key, string cause);
}
