using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Slo;
using static Sendcat.Monitor.Alerts.AlertRule;

namespace Sendcat.Monitor.Alerts;

/// <summary>Rules about what users get.</summary>
internal static class TurnRules
{
    private const string SloBurn = "slo_burn";

    /// <summary>States of an alert in <c>/api/ops/slo</c>.</summary>
    private const string Firing = "firing";
    private const string Unknown = "unknown";

    private static readonly string Page = AlertSeverity.Page.Name();

    public static readonly IReadOnlyList<AlertRule> All =
    [
        new(
            Of("turns_bad", AlertSeverity.Page, "the verdict of the last minute is `degraded` or `failing`", Status,
                "the verdict is `ok` for a minute"),
            AlertFeature.Service, Bad),
        new(
            Of("first_token_slow", AlertSeverity.Page,
                "more than 20 % of the turns of the last minute, and at least 2, waited over 10 s for the first token, or still wait",
                Status, "first tokens arrive within 10 s for a minute"),
            AlertFeature.Service, FirstToken),
        new(
            Of("partial_results", AlertSeverity.Ticket,
                "more than 20 % of the turns of the last minute, and at least 2, went on without a tool whose lane was full", Snapshot,
                "tools answer for a minute"),
            AlertFeature.Service, Partial),
        new(
            Of(SloBurn, AlertSeverity.Page, "an alert of the service level objectives fires (docs/slo.md)", Status,
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
        facts, kind, minute => (minute.Late + minute.Waiting, minute.Turns + minute.Waiting), "The model provider is slow: ",
        Text($"waited over {SloPolicy.Default.Verdict.FirstTokenLimit.TotalSeconds:0} s for their first token, or still wait"));

    private static IEnumerable<AlertFinding>? Partial(AlertFacts facts, AlertPolicy policy, AlertKind kind) => Share(
        facts, kind, minute => (minute.Partial, minute.Turns), "", "went on without a tool, because its lane was full");

    /// <summary>The share is that of the verdict; of several replicas the worst counts.</summary>
    private static IEnumerable<AlertFinding>? Share(
        AlertFacts facts, AlertKind kind, Func<LastMinuteFacts, (long Part, long All)> count, string before, string what)
    {
        var verdict = SloPolicy.Default.Verdict;
        var minutes = Healths(facts).Select(health => health.LastMinute).OfType<LastMinuteFacts>().Select(count).ToList();
        return minutes.Count == 0 ? null
            : from minute in minutes.OrderByDescending(minute => minute.Part).Take(1)
              let threshold = Math.Max(verdict.MinBad, minute.All * verdict.BadShare)
              where minute.Part >= verdict.MinBad && minute.Part > minute.All * verdict.BadShare
              select new AlertFinding(
                  kind, "", minute.Part, threshold, Text($"{before}{minute.Part} of {minute.All} turns of the last minute {what}."));
    }

    /// <summary>
    /// One finding of an objective, whatever number of its windows burns: on a young system all windows are the same, and an outage is one.
    /// </summary>
    private static IEnumerable<AlertFinding>? Burn(AlertFacts facts, AlertPolicy policy, AlertKind kind) =>
        facts.Slo?.Objectives.Select(objective => Burn(objective, kind)).OfType<AlertFinding>();

    /// <summary>The objectives that do not burn in any window, and of which a window has no record.</summary>
    public static IEnumerable<AlertKey> UnknownBurns(AlertFacts facts) =>
        from objective in facts.Slo?.Objectives ?? []
        where objective.Alerts.All(alert => alert.State != Firing) && objective.Alerts.Any(alert => alert.State == Unknown)
        select new AlertKey(SloBurn, SubjectOf(objective));

    private static string SubjectOf(SloObjectiveFact objective) => $"{objective.Endpoint}:{objective.Indicator}";

    private static AlertFinding? Burn(SloObjectiveFact objective, AlertKind kind)
    {
        var firing = objective.Alerts.Where(alert => alert.State == Firing).OrderByDescending(alert => alert.Severity == Page).ToList();
        if (firing is not [var worst, .. var others])
        {
            return null;
        }

        var window = worst.Long;
        var share = Text($"{window.Bad} of {window.Total} requests of {window.Minutes} minutes are bad");
        var rate = Text($"{window.Rate ?? 0:0.#} times what the budget allows");
        var also = others.Count == 0 ? "" : $", also {string.Join(", ", others.Select(alert => alert.Name))}";
        return new(
            worst.Severity == Page ? kind : kind with { Severity = AlertSeverity.Ticket }, SubjectOf(objective), window.Rate ?? 0, 0,
            $"{objective.Indicator} of {objective.Endpoint}: {share}, {rate} ({worst.Name}{also}).");
    }

    private static List<HealthFacts> Healths(AlertFacts facts) =>
        [.. facts.Apis.Select(api => api.Health).OfType<HealthFacts>().Where(health => health.Verdict is not null)];

    private static double BadOf(LastMinuteFacts? minute) =>
        minute is null ? 0 : minute.Failed + minute.Refused + minute.Late + minute.Partial + minute.Waiting;
}
