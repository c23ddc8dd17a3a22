namespace Sendcat.ApiService.WhatsApp;

/// <summary>Event ids 1400–1449. Neither phone numbers nor texts are logged.</summary>
internal static partial class WhatsAppLog
{
    [LoggerMessage(1401, LogLevel.Warning, "Expired WhatsApp rows not deleted: {Cause}")]
    public static partial void RowsNotSwept(this ILogger logger, string cause);
}
