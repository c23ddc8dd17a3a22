namespace Sendcat.ApiService.Gmail;

/// <summary>Event ids 1450–1499. Neither addresses nor tokens are logged.</summary>
internal static partial class GmailLog
{
    [LoggerMessage(1451, LogLevel.Information, "Mailbox of {User} connected: {Mailbox}")]
    public static partial void MailboxConnected(this ILogger logger, string user, Guid mailbox);

    [LoggerMessage(1452, LogLevel.Warning, "Return from Google's consent for a mailbox failed: {Result} ({Cause})")]
    public static partial void ConsentFailed(this ILogger logger, string result, string cause);

    [LoggerMessage(1453, LogLevel.Information, "Mailbox of {User} disconnected: {Mailbox}")]
    public static partial void MailboxDisconnected(this ILogger logger, string user, Guid mailbox);
}
