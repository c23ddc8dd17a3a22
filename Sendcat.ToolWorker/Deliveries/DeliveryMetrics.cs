using System.Diagnostics.Metrics;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Meter <c>Sendcat.Mail</c>.</summary>
internal static class DeliveryMetrics
{
    private static readonly Meter Meter = new("Sendcat.Mail");

    private static readonly Counter<long> Attempts = Meter.CreateCounter<long>(
        "sendcat.mail.attempts", "{attempt}",
        "Attempts to send a mail, by kind and outcome: sent, sent_before, not_needed, undeliverable, too_late, maybe_sent, delayed, "
            + "rejected.");

    public static void Attempted(string kind, string outcome) =>
        Attempts.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));
}
