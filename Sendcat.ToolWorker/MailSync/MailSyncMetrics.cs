using System.Diagnostics.Metrics;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>Meter <c>Sendcat.Gmail</c>.</summary>
internal static class MailSyncMetrics
{
    private static readonly Meter Meter = new("Sendcat.Gmail");

    private static readonly Counter<long> Syncs = Meter.CreateCounter<long>(
        "sendcat.gmail.syncs", "{sync}",
        "Syncs of mailboxes that ended, by cause (connect, push, user, schedule) and result: completed, needs_reauth.");

    private static readonly Counter<long> Messages = Meter.CreateCounter<long>(
        "sendcat.gmail.messages", "{message}",
        "Messages of mailboxes, by state (read, ignored, failed), merchant (of known ones, else other) and path (markup, merchant, "
            + "model, none; no_order: it is about no order).");

    private static readonly Counter<long> Gaps = Meter.CreateCounter<long>(
        "sendcat.gmail.history_gaps", "{sync}", "Syncs whose cursor was older than the history of the mailbox.");

    private static readonly Counter<long> Consents = Meter.CreateCounter<long>(
        "sendcat.gmail.consents_lost", "{mailbox}", "Mailboxes whose consent Google accepts no longer.");

    private static readonly Counter<long> Renewals = Meter.CreateCounter<long>(
        "sendcat.gmail.watch_renewals", "{renewal}", "Renewals of watches, by result: renewed, failed.");

    private static readonly Gauge<long> Ending = Meter.CreateGauge<long>(
        "sendcat.gmail.watches_ending", "{mailbox}", "Mailboxes whose watch ends within 48 hours, at the last check.");

    private static readonly Counter<long> Drifts = Meter.CreateCounter<long>(
        "sendcat.gmail.parser_drifts", "{report}", "Reports of parser drift, by merchant.");

    public static void Ended(string cause, string result) => Syncs.Add(1, new("cause", cause), new("result", result));

    public static void Read(SettledMessage message) =>
        Messages.Add(1, new("state", message.State), new("merchant", message.Merchant ?? "other"), new("path", message.Path ?? "no_order"));

    public static void HistoryGone() => Gaps.Add(1);

    public static void ConsentMissing() => Consents.Add(1);

    public static void WatchRenewed(bool isRenewed) =>
        Renewals.Add(1, new KeyValuePair<string, object?>("result", isRenewed ? "renewed" : "failed"));

    public static void WatchesEnding(int count) => Ending.Record(count);

    public static void Drifted(string merchant) => Drifts.Add(1, new KeyValuePair<string, object?>("merchant", merchant));
}
