using Sendcat.Reliability.Alerts;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about the stores, the connected mailboxes and the reach of the Monitor itself.</summary>
internal static class ServiceRules
{
    private const string DataLost = "redis_data_lost";

    private const string Emptied =
        "Redis came back without its data: leases, limits, circuits and the tool cache begin anew. It was restarted or flushed.";

    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of("redis_emptied", AlertSeverity.Page, "Redis came back without its data", Snapshot, "five minutes without another loss"),
            AlertFeature.Service, RedisEmptied),
        new(
            Of(
                "process_died", AlertSeverity.Ticket,
                "a process of the API or a worker sends no heartbeat any more, and did not stop in order",
                Timeline, "five minutes after it"),
            AlertFeature.Service, Died),
        new(
            Of("watch_expiring", AlertSeverity.Ticket, "a connected mailbox has a watch for less than 48 hours",
                "./sendcat logs tool-worker", "all watches last longer than 48 hours"),
            AlertFeature.Service, WatchExpiring),
        new(
            Of("parser_drift", AlertSeverity.Ticket, "the mails of a merchant are no longer read by their parser",
                "./sendcat logs tool-worker", "the next hourly check finds no drift"),
            AlertFeature.Service, Drift),
        new(
            Of("api_down", AlertSeverity.Page, "an address of the API does not respond for over 10 s", Status, "it responds for a minute")
                with { For = TimeSpan.FromSeconds(10) },
            AlertFeature.Service, ApiDown),
        new(
            Of("monitor_blind", AlertSeverity.Page, "the API responds, but its operator pages cannot be read for over 10 s", Status,
                "they can be read for a minute")
                with { For = TimeSpan.FromSeconds(10) },
            AlertFeature.Service, Blind),
    ];

    private static IEnumerable<AlertFinding>? RedisEmptied(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Snapshot is not { RateLimitPressure: { } pressure } ? null
        : pressure.ByBucketOutcome.GetValueOrDefault($"{DataLost}:{AlertPolicy.Contention}") is > 0 and var losses
            ? [new(kind, "", losses, 0, Emptied)]
            : [];

    private static IEnumerable<AlertFinding>? Died(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Conditions?.Died.Select(died => new AlertFinding(
            kind, died.Process, 1, 0,
            Text(
                $"The {died.Process} was killed, crashed or is frozen: its heartbeat timed out at {died.At:HH:mm:ss} UTC. Others go on.")));

    private static IEnumerable<AlertFinding>? WatchExpiring(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Conditions is not { WatchesEnding: var ending } ? null
        : ending == 0 ? []
        : [new(kind, "", ending, 0, Text($"{ending} mailboxes have a Gmail watch for less than 48 hours: their renewal fails."))];

    private static IEnumerable<AlertFinding>? Drift(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Conditions?.ParserDrift.Select(merchant => new AlertFinding(
            kind, merchant, 1, 0, $"The mails of {merchant} changed: their parser reads too few of them, and the model reads the rest."));

    private static IEnumerable<AlertFinding>? ApiDown(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        from api in facts.Apis
        where api.Problem is not null
        let address = api.Address.AbsoluteUri
        select new AlertFinding(kind, address, 1, 0, $"The API at {address} does not respond: {api.Problem}.");

    /// <summary>Only while some address responds: else <c>api_down</c> says it.</summary>
    private static IEnumerable<AlertFinding>? Blind(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Problem is { } problem && facts.Apis.Any(api => api.Problem is null)
            ? [new(kind, "", 1, 0, $"The Monitor cannot judge: {problem}.")]
            : [];
}
