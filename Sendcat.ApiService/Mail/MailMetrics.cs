using System.Diagnostics.Metrics;

namespace Sendcat.ApiService.Mail;

/// <summary>Meter <c>Sendcat.Mail</c>.</summary>
internal static class MailMetrics
{
    private static readonly Meter Meter = new("Sendcat.Mail");

    private static readonly Counter<long> Dropped = Meter.CreateCounter<long>(
        "sendcat.mail.dropped", "{mail}", "Mails that were never sent, by reason: queue_full, stopping.");

    public static void MailsDropped(int count, string reason) => Dropped.Add(count, new KeyValuePair<string, object?>("reason", reason));
}
