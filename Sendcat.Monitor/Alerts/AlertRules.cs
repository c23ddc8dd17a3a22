using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

/// <summary>All rules. Each is a pure function of the facts; docs/alerts.md lists them.</summary>
internal static class AlertRules
{
    public static readonly IReadOnlyList<AlertRule> All =
        [.. TurnRules.All, .. ProviderRules.All, .. LimitRules.All, .. QueueRules.All, .. ServiceRules.All];

    private static readonly Dictionary<string, AlertFeature> Features =
        All.ToDictionary(rule => rule.Kind.Name, rule => rule.Feature, StringComparer.Ordinal);

    /// <param name="kind">A kind; one that only another version knows belongs to the service.</param>
    public static AlertFeature FeatureOf(string kind) => Features.GetValueOrDefault(kind, AlertFeature.Service);

    public static AlertRound Judge(AlertFacts facts, AlertPolicy policy)
    {
        var findings = new List<AlertFinding>();
        var unknown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in All)
        {
            if (rule.Judge(facts, policy, rule.Kind) is { } found)
            {
                findings.AddRange(found);
            }
            else
            {
                unknown.Add(rule.Kind.Name);
            }
        }

        return new(findings, unknown) { UnknownAlerts = TurnRules.UnknownBurns(facts).ToHashSet() };
    }
}
