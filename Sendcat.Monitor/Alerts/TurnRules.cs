using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Slo;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about what users get.</summary>
internal static class TurnRules
{
    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of("turns_bad", AlertSeverity.Page, "the verdict of the last minute is `degraded` or `failing`", Status, "the verdict is `ok` for a minute"),
            AlertFeature.Service, Bad),
        new(
            Of("first_token_slow", AlertSeverity.Page,
                "more than 20 % of the turns of the last minute, and at least 2, waited over 10 s for the first token, or still wait", Status,
                "first tokens arrive within 10 s for a minute"),
            AlertFeature.Service, FirstToken),
        new(
            Of("partial_results", AlertSeverity.Ticket,
                "more than 20 % of the turns of the last minute, and at least 2, went on without a tool whose lane was full", Snapshot,
                "tools answer for a minute"),
            AlertFeature.Service, Partial),
        new(
            Of("slo_burn", AlertSeverity.Page, "an alert of the service level objectives fires (docs/slo.md)", Status,
                "the burn rate of the short window is below the limit"),
            AlertFeature.Service, Burn),
    ];

    private static IEnumerable<AlertFinding>? Bad(AlertFacts facts, AlertPolicy policy, AlertKind kind)
    {
        var health = Healths(facts);
        return health.Count == 0 ? null
            : from one in health
              where one.Verdict is "degraded" or "failing"
              group one by one.Cause ?? "unknown" into same
              let worst = same.OrderByDescending(one => BadOf(one.LastMinute)).First()
              select new AlertFinding(
                  kind, same.Key, BadOf(worst.LastMinute), SloPolicy.Default.Verdict.MinBad,
                  worst.LastMinute?.Text ?? $"Turns are {worst.Verdict}, because of {same.Key}.");
    }

    private static IEnumerable<AlertFinding>? FirstToken(AlertFacts facts, AlertPolicy policy, AlertKind kind) => Share(
        facts, kind, minute => minute.Late + minute.Waiting, minute => minute.Turns + minute.Waiting,
        (slow, turns) => Text($"The model provider is slow: {slow} of {turns} turns of the last minute waited over {SloPolicy.Default.Verdict.FirstTokenLimit.TotalSeconds:0} s for their first token, or still wait."));

    private static IEnumerable<AlertFinding>? Partial(AlertFacts facts, AlertPolicy policy, AlertKind kind) => Share(
        facts, kind, minute => minute.Partial, minute => minute.Turns,
        (partial, turns) => Text($"{partial} of {turns} turns of the last minute went on without a tool, because its lane was full."));

    /// <summary>The share is that of the verdict; of several replicas the worst counts.</summary>
    private static IEnumerable<AlertFinding>? Share(
        AlertFacts facts, AlertKind kind, Func<LastMinuteFacts, long> part, Func<LastMinuteFacts, long> all, Func<long, long, string> cause)
    {
        var verdict = SloPolicy.Default.Verdict;
        var minutes = Healths(facts).Select(health => health.LastMinute).OfType<LastMinuteFacts>().ToList();
        return minutes.Count == 0 ? null
            : minutes.Where(minute => part(minute) >= verdict.MinBad && part(minute) > all(minute) * verdict.BadShare)
                .OrderByDescending(part).Take(1)
                .Select(minute => new AlertFinding(kind, "", part(minute), Math.Max(verdict.MinBad, all(minute) * verdict.BadShare), cause(part(minute), all(minute))));
    }

    private static IEnumerable<AlertFinding>? Burn(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Slo is not { } slo ? null
        : from objective in slo.Objectives
          from alert in objective.Alerts
          where alert.State == "firing"
          select new AlertFinding(
              alert.Severity == AlertSeverity.Page.Name() ? kind : kind with { Severity = AlertSeverity.Ticket },
              $"{objective.Endpoint}:{objective.Indicator}:{alert.Name}", alert.Long.Rate ?? 0, 0,
              Text($"{objective.Indicator} of {objective.Endpoint}: {alert.Long.Bad} of {alert.Long.Total} requests of {alert.Long.Minutes} minutes are bad, {alert.Long.Rate ?? 0:0.#} times what the budget allows ({alert.Name})."));

    private static List<HealthFacts> Healths(AlertFacts facts) => [.. facts.Apis.Select(api => api.Health).OfType<HealthFacts>().Where(health => health.Verdict is not null)];

    private static double BadOf(LastMinuteFacts? minute) => minute is null ? 0 : minute.Failed + minute.Refused + minute.Late + minute.Partial + minute.Waiting;
}
