namespace Sendcat.ToolWorker.MailSync;

/// <summary>Event ids 7400–7499. Neither addresses nor any text of mails is logged.</summary>
internal static partial class MailSyncLog
{
    [LoggerMessage(7401, LogLevel.Information, "Sync {Sync} ({Kind}, {Cause}) ended: {Result}")]
    public static partial void SyncEnded(this ILogger logger, Guid sync, string kind, string cause, string result);

    [LoggerMessage(7402, LogLevel.Warning, "Sync {Sync} goes on later: {Cause}")]
    public static partial void SyncDelayed(this ILogger logger, Guid sync, string cause);

    [LoggerMessage(7403, LogLevel.Warning, "Mailbox {Mailbox} needs a new consent of its user: {Cause}")]
    public static partial void ConsentMissing(this ILogger logger, Guid mailbox, string cause);

    [
        LoggerMessage(
            7404, LogLevel.Error,
            "Token of mailbox {Mailbox} cannot be decrypted: its key is neither in ENCRYPTION_KEY nor in ENCRYPTION_KEYS_PREVIOUS")]
    public static partial void TokenUnreadable(this ILogger logger, Guid mailbox);

    [
        LoggerMessage(
            7405, LogLevel.Warning,
            "History of mailbox {Mailbox} does not go back to its cursor: the mails of {Days} days are listed instead")]
    public static partial void HistoryGone(this ILogger logger, Guid mailbox, int days);

    [LoggerMessage(7406, LogLevel.Warning, "Listing of mailbox {Mailbox} ended at {Count} mails (GMAIL_SYNC_MAX_MESSAGES)")]
    public static partial void ListingCut(this ILogger logger, Guid mailbox, int count);

    [
        LoggerMessage(
            7407, LogLevel.Information,
            "Message {Message} of mailbox {Mailbox} not read at attempt {Attempt}, another one follows: {Cause}")]
    public static partial void MessageDeferred(this ILogger logger, Guid mailbox, string message, int attempt, string cause);

    [LoggerMessage(7408, LogLevel.Error, "Message {Message} of mailbox {Mailbox} not read after {Attempts} attempts: {Cause}")]
    public static partial void MessageFailed(this ILogger logger, Guid mailbox, string message, int attempts, string cause);

    [LoggerMessage(7409, LogLevel.Error, "Reading of message {Message} of mailbox {Mailbox} failed")]
    public static partial void MessageThrew(this ILogger logger, Guid mailbox, string message, Exception exception);

    [LoggerMessage(7410, LogLevel.Warning, "Mailbox {Mailbox} was taken over by another sync")]
    public static partial void MailboxLost(this ILogger logger, Guid mailbox);

    [LoggerMessage(7411, LogLevel.Information, "Consent of a disconnected mailbox ended: {Outcome}")]
    public static partial void ConsentEnded(this ILogger logger, string outcome);

    [LoggerMessage(7412, LogLevel.Warning, "Watch of a disconnected mailbox not stopped: {Cause}")]
    public static partial void WatchNotStopped(this ILogger logger, string cause);

    [LoggerMessage(7413, LogLevel.Warning, "Watch of mailbox {Mailbox} not renewed: {Cause}")]
    public static partial void WatchNotRenewed(this ILogger logger, Guid mailbox, string cause);

    [LoggerMessage(7414, LogLevel.Error, "{Count} mailboxes have a watch for less than 48 hours, for example {Samples}")]
    public static partial void WatchesEnding(this ILogger logger, int count, string samples);

    [
        LoggerMessage(
            7415, LogLevel.Warning,
            "Parser drift of {Merchant}: {Fallen} of {Total} mails about orders within a day were read by the model or not at all, for "
                + "example {Samples}")]
    public static partial void ParserDrift(this ILogger logger, string merchant, int fallen, int total, string samples);
}
