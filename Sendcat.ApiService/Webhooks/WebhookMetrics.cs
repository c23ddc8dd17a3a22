using System.Diagnostics.Metrics;

namespace Sendcat.ApiService.Webhooks;

/// <summary>Meter <c>Sendcat.Webhooks</c>.</summary>
internal static class WebhookMetrics
{
    private static readonly Meter Meter = new("Sendcat.Webhooks");

    private static readonly Counter<long> Deliveries = Meter.CreateCounter<long>(
        "sendcat.webhooks.deliveries", "{delivery}",
        "Deliveries to webhooks by webhook and outcome: accepted, replayed, why it was ignored, or the error code.");

    public static void Delivered(Webhook webhook, string outcome) =>
        Deliveries.Add(
            1, new KeyValuePair<string, object?>("webhook", webhook.Name), new KeyValuePair<string, object?>("outcome", outcome));
}
