using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Webhooks;

internal static class WebhooksFeature
{
    /// <summary>Registers what all webhooks share: their guards and the inbox.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services) => services
        .AddKnobs<WebhookOptions>()
        .AddWebhookInbox()
        .AddSingleton<FloodGuard>()
        .AddSingleton<WebhookGate>();
}
