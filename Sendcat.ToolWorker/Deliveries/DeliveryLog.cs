namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Event ids 7300–7399. Neither addresses nor links are logged.</summary>
internal static partial class DeliveryLog
{
    [LoggerMessage(7301, LogLevel.Information, "Mail {Mail} ({Kind}) sent")]
    public static partial void MailSent(this ILogger logger, Guid mail, string kind);

    [LoggerMessage(7302, LogLevel.Information, "Mail {Mail} ({Kind}) not needed")]
    public static partial void MailNotNeeded(this ILogger logger, Guid mail, string kind);

    [LoggerMessage(7303, LogLevel.Error, "Mail {Mail} ({Kind}) not sent: too late, requested at {RequestedAt}")]
    public static partial void MailTooLate(this ILogger logger, Guid mail, string kind, DateTimeOffset requestedAt);

    [LoggerMessage(7304, LogLevel.Warning, "Mail {Mail} ({Kind}) not sent, another attempt follows: {Cause}")]
    public static partial void MailDelayed(this ILogger logger, Guid mail, string kind, string cause);

    [LoggerMessage(7305, LogLevel.Error, "Mail {Mail} ({Kind}) not sent, dead-lettered: {Cause}")]
    public static partial void MailRejected(this ILogger logger, Guid mail, string kind, string cause);

    [LoggerMessage(7306, LogLevel.Warning, "Mail {Mail} ({Kind}) was sent by an earlier attempt, with another text")]
    public static partial void MailSentBefore(this ILogger logger, Guid mail, string kind);

    [LoggerMessage(7307, LogLevel.Error, "Mail {Mail} ({Kind}) not sent again: an attempt more than a day ago may have sent it")]
    public static partial void MailMaybeSent(this ILogger logger, Guid mail, string kind);

    [LoggerMessage(7308, LogLevel.Warning, "Mail {Mail} ({Kind}) not sent: an earlier mail to its address bounced or was reported as spam")]
    public static partial void MailUndeliverable(this ILogger logger, Guid mail, string kind);
}
