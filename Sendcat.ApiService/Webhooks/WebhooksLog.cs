namespace Sendcat.ApiService.Webhooks;

/// <summary>Event ids 1800–1899. Neither bodies nor signatures are logged.</summary>
internal static partial class WebhooksLog
{
    [LoggerMessage(1801, LogLevel.Warning, "Delivery to {Webhook} from {Address} not authentic")]
    public static partial void DeliveryNotAuthentic(this ILogger logger, string webhook, string address);
}
