using Microsoft.Extensions.Logging;

namespace Sendcat.Integrations.Orders;

/// <summary>Event ids 8200–8299. Neither order numbers nor tracking numbers are logged.</summary>
internal static partial class OrdersLog
{
    [
        LoggerMessage(
            8201, LogLevel.Information,
            "Evidence {Evidence} of {Source} recorded as {Status}: {Created} drafts created, {Updated} updated, {PreAlerts} pre-alerts")]
    public static partial void EvidenceRecorded(
        this ILogger logger, Guid evidence, string source, string status, int created, int updated, int preAlerts);

    [
        LoggerMessage(
            8202, LogLevel.Warning,
            "{Count} parcels of evidence {Evidence} not announced: their user has PRE_ALERTS_PER_USER_MAX pre-alerts")]
    public static partial void PreAlertsRefused(this ILogger logger, Guid evidence, int count);
}
