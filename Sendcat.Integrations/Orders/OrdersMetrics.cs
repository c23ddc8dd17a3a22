using System.Diagnostics.Metrics;

namespace Sendcat.Integrations.Orders;

/// <summary>Meter <c>Sendcat.Orders</c>.</summary>
internal static class OrdersMetrics
{
    private static readonly Meter Meter = new("Sendcat.Orders");

    private static readonly Counter<long> Evidence = Meter.CreateCounter<long>(
        "sendcat.orders.evidence", "{message}",
        "Recorded mails and messages, by source and outcome: pending, extracted, failed, ignored, repeated.");

    public static void Recorded(string source, string outcome) =>
        Evidence.Add(1, new KeyValuePair<string, object?>("source", source), new KeyValuePair<string, object?>("outcome", outcome));
}
