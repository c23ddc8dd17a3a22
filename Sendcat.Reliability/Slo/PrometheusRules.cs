using System.Globalization;
using System.Text;

namespace Sendcat.Reliability.Slo;

/// <summary>
/// The alerts of the policy as rules of Prometheus, over the metrics of the meter <c>Sendcat.Slo</c>. They fire at the same requests as
/// <see cref="SloEvaluation"/>: promtool runs both over the same cases in the tests.
/// </summary>
public static class PrometheusRules
{
    private const string Requests = "sendcat_slo_requests_total";
    private const string FirstToken = "sendcat_slo_first_token_seconds";
    private const string Completion = "sendcat_slo_completion_seconds";

    /// <summary>Writes the rules of a tier as YAML, in one group, because a rule uses the results of those before it.</summary>
    /// <exception cref="KeyNotFoundException">There is no such tier.</exception>
    public static string Write(SloPolicy policy, string tier)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # The alerts of tier {tier}. Generated from slo-policy.json; to change it, change the policy (docs/slo.md).
            groups:
              - name: sendcat-slo-{tier}
                interval: 1m
                rules:

            """);

        // Objectives that differ in their endpoint only are one rule.
        var objectives = policy.Objectives(tier)
            .GroupBy(objective => (objective.Indicator, objective.Target, objective.ThresholdMs))
            .Select(same => (Of: same.First(), Endpoints: string.Join('|', same.Select(objective => objective.Endpoint))))
            .ToArray();
        var burning = policy.BurnAlerts.SelectMany(alert => new[] { alert.LongMinutes, alert.ShortMinutes }).ToHashSet();
        foreach (var minutes in policy.BurnAlerts.SelectMany(alert => new[] { alert.LongMinutes, alert.ShortMinutes })
                     .Concat(policy.AbsoluteAlerts.Select(alert => alert.Minutes)).Distinct().Order())
        {
            foreach (var (objective, endpoints) in objectives)
            {
                var indicator = objective.Indicator.Name();
                var (total, bad) = Count(objective, endpoints, Duration(minutes));
                Record(text, Total(minutes), indicator, total);
                Record(text, Bad(minutes), indicator, bad);
                if (burning.Contains(minutes))
                {
                    var of = $$"""{indicator="{{indicator}}"}""";
                    Record(text, Burn(minutes), indicator, $"{Bad(minutes)}{of} / {Total(minutes)}{of} / {Number(objective.Budget)}");
                }
            }
        }

        foreach (var endpoint in policy.Endpoints.Keys)
        {
            var (owner, of) = (policy.OwnerOf(endpoint), $$"""{endpoint="{{endpoint}}"}""");
            foreach (var alert in policy.BurnAlerts)
            {
                var rate = Number(alert.Rate);
                Alert(
                    text, alert.Name, alert.Severity, owner,
                    Summary(alert),
                    $"{Burn(alert.LongMinutes)}{of} > {rate}",
                    $"{Burn(alert.ShortMinutes)}{of} > {rate}",
                    $"{Total(alert.LongMinutes)}{of} >= {alert.MinRequests}",
                    $"{Bad(alert.LongMinutes)}{of} >= {alert.MinFailures}");
            }

            foreach (var alert in policy.AbsoluteAlerts)
            {
                var (bad, rate) = ($"{Bad(alert.Minutes)}{of}", Number(alert.FailureRate));
                Alert(
                    text, alert.Name, alert.Severity, owner,
                    Summary(alert),
                    $"{bad} >= {alert.MinFailures}",
                    $"{bad} >= {rate} * {Total(alert.Minutes)}{of}");
            }
        }

        return text.ToString();
    }

    /// <summary>The name of an alert in Prometheus.</summary>
    /// <param name="name">Its name in the policy.</param>
    public static string AlertName(string name) => $"sendcat_slo_{name}";

    /// <summary>The annotation <c>summary</c>.</summary>
    public static string Summary(BurnAlert alert) =>
        $"The error budget burns more than {Number(alert.Rate)} times as fast as it may, over {Duration(alert.LongMinutes)} and "
        + $"{Duration(alert.ShortMinutes)}.";

    /// <inheritdoc cref="Summary(BurnAlert)"/>
    public static string Summary(AbsoluteAlert alert) =>
        $"The share of bad requests is at least {Number(alert.FailureRate)}, over {Duration(alert.Minutes)}.";

    /// <summary>The requests that an objective judges, and the bad ones among them: see <see cref="SloObjective.Count"/>.</summary>
    private static (string Total, string Bad) Count(SloObjective objective, string endpoints, string window) => objective.Indicator switch
    {
        SliIndicator.Availability => (
            Sum($$"""{{Requests}}{endpoint=~"{{endpoints}}",outcome=~"served|failed"}[{{window}}]"""),
            Sum($$"""{{Requests}}{endpoint=~"{{endpoints}}",outcome="failed"}[{{window}}]""")),
        SliIndicator.FirstToken => Slow(FirstToken, objective.ThresholdMs!.Value, endpoints, window),
        SliIndicator.Completion or SliIndicator.Acknowledgement => Slow(Completion, objective.ThresholdMs!.Value, endpoints, window),
        _ => throw new InvalidOperationException($"{objective.Indicator} is not counted."),
    };

    private static (string Total, string Bad) Slow(string histogram, int thresholdMs, string endpoints, string window)
    {
        var all = Sum($$"""{{histogram}}_count{endpoint=~"{{endpoints}}"}[{{window}}]""");
        return (all, $"{all} - {Sum($$"""{{histogram}}_bucket{endpoint=~"{{endpoints}}",le=~"{{Bound(thresholdMs)}}"}[{{window}}]""")}");
    }

    private static string Sum(string range) => $"sum by (endpoint) (increase({range}))";

    /// <summary>The label of a bucket: exporters write a whole number of seconds as <c>3</c> or as <c>3.0</c>.</summary>
    private static string Bound(int thresholdMs)
    {
        var seconds = Number(thresholdMs / 1_000.0);
        return thresholdMs % 1_000 == 0 ? $"{seconds}([.]0)?" : seconds.Replace(".", "[.]", StringComparison.Ordinal);
    }

    private static void Record(StringBuilder text, string name, string indicator, string expression) =>
        text.Append(CultureInfo.InvariantCulture, $$"""
                  - record: {{name}}
                    labels: { indicator: {{indicator}} }
                    expr: {{expression}}

            """);

    private static void Alert(
        StringBuilder text, string name, SloSeverity severity, SloOwner owner, string summary, params string[] conditions)
    {
        var secondary = owner.Secondary is { } second ? $", secondary_owner: {second}" : "";
        text.Append(CultureInfo.InvariantCulture, $$"""
                  - alert: {{AlertName(name)}}
                    labels: { severity: {{severity.Name()}}, owner: {{owner.Primary}}{{secondary}} }
                    annotations: { summary: "{{summary}}" }
                    expr: >-
                      {{string.Join("\n          and ", conditions)}}

            """);
    }

    private static string Total(int minutes) => $"sendcat:slo_requests:increase{Duration(minutes)}";

    private static string Bad(int minutes) => $"sendcat:slo_bad_requests:increase{Duration(minutes)}";

    private static string Burn(int minutes) => $"sendcat:slo_burn_rate:{Duration(minutes)}";

    private static string Duration(int minutes) => (minutes % 1_440, minutes % 60) switch
    {
        (0, _) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 1_440}d"),
        (_, 0) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 60}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{minutes}m"),
    };

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
