namespace Sendcat.ToolWorker.Messages;

/// <summary>Event ids 7600–7699. Neither texts nor phone numbers nor ids of messages, which contain them, are logged.</summary>
internal static partial class MessageLog
{
    [LoggerMessage(7601, LogLevel.Information, "WhatsApp message ({Kind}): {Outcome}")]
    public static partial void MessageRead(this ILogger logger, string kind, string outcome);

    [LoggerMessage(7602, LogLevel.Warning, "WhatsApp message ({Kind}) not read, another attempt follows: {Cause}")]
    public static partial void MessageDelayed(this ILogger logger, string kind, string cause);

    [LoggerMessage(7603, LogLevel.Warning, "File of WhatsApp message ({Kind}) not read: {Reason}")]
    public static partial void FileUnreadable(this ILogger logger, string kind, string reason);

    [LoggerMessage(7604, LogLevel.Warning, "WhatsApp reply not sent, another attempt follows: {Cause}")]
    public static partial void ReplyDelayed(this ILogger logger, string cause);

    [LoggerMessage(7605, LogLevel.Error, "WhatsApp reply not sent, dead-lettered: {Cause}")]
    public static partial void ReplyRejected(this ILogger logger, string cause);

    [LoggerMessage(7606, LogLevel.Warning, "WhatsApp reply not deliverable: {Cause}")]
    public static partial void ReplyUndeliverable(this ILogger logger, string cause);

    [LoggerMessage(7607, LogLevel.Warning, "WhatsApp reply not sent again: an earlier attempt may have sent it")]
    public static partial void ReplyMaybeSent(this ILogger logger);
}
