using System.Diagnostics.Metrics;

namespace Sendcat.ToolWorker.Messages;

/// <summary>Meter <c>Sendcat.WhatsApp</c>.</summary>
internal static class MessageMetrics
{
    private static readonly Meter Meter = new("Sendcat.WhatsApp");

    private static readonly Counter<long> Messages = Meter.CreateCounter<long>(
        "sendcat.whatsapp.messages", "{message}",
        "Messages of users by kind and outcome: linked, wrong_code, limited, unlinked, off, known, short, unsupported, unreadable, "
            + "extracted, nothing, delayed.");

    private static readonly Counter<long> Replies = Meter.CreateCounter<long>(
        "sendcat.whatsapp.replies", "{reply}", "Attempts to send a reply by outcome: sent, maybe_sent, undeliverable, delayed, rejected.");

    public static void Read(string kind, string outcome) =>
        Messages.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));

    public static void Replied(string outcome) => Replies.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
