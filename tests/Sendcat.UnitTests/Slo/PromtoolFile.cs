using System.Globalization;
using System.Text.Json;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>
/// A file for <c>promtool test rules</c>, as JSON, which is YAML: the traffic as counters of two replicas that are read every minute, and
/// the alerts that <see cref="SloEvaluation"/> finds.
/// </summary>
internal static class PromtoolFile
{
    /// <summary>The buckets that a tier uses; the others would only take time.</summary>
    private static readonly int[] Thresholds =
    [
        .. SloPolicy.Default.Tiers.Keys.SelectMany(SloPolicy.Default.Objectives)
            .Select(objective => objective.ThresholdMs).OfType<int>().Distinct(),
    ];

    /// <param name="rules">The file of the rules.</param>
    /// <param name="ends">The minutes at whose end the alerts are compared, each a multiple of <paramref name="every"/>.</param>
    /// <param name="every">The minutes between two evaluations of the rules.</param>
    public static string Of(string rules, SimulatedTraffic traffic, IEnumerable<int> ends, int every)
    {
        var compared = ends.ToArray();
        return JsonSerializer.Serialize(new
        {
            rule_files = new[] { rules },
            evaluation_interval = Minutes(every),
            tests = new[]
            {
                new
                {
                    interval = Minutes(1),
                    input_series = Series(traffic, compared.Max()).ToArray(),
                    alert_rule_test = compared.SelectMany(end => Expectations(traffic, end)).ToArray(),
                },
            },
        });
    }

    /// <summary>For each alert, also for those that do not fire.</summary>
    private static IEnumerable<object> Expectations(SimulatedTraffic traffic, int end)
    {
        var policy = SloPolicy.Default;
        var standings = traffic.Judge(end).Objectives;
        var names = policy.BurnAlerts.Select(alert => alert.Name).Concat(policy.AbsoluteAlerts.Select(alert => alert.Name));
        return from name in names
               select new
               {
                   eval_time = Minutes(end),
                   alertname = PrometheusRules.AlertName(name),
                   exp_alerts = (
                       from standing in standings
                       from alert in standing.Alerts
                       where alert.Name == name && alert.State == SloAlertState.Firing
                       select new { exp_labels = Labels(standing.Objective, alert), exp_annotations = Annotations(policy, name) })
                       .ToArray(),
               };
    }

    private static Dictionary<string, string> Labels(SloObjective objective, SloAlert alert)
    {
        var labels = new Dictionary<string, string>
        {
            ["endpoint"] = objective.Endpoint,
            ["indicator"] = objective.Indicator.Name(),
            ["severity"] = alert.Severity.Name(),
            ["owner"] = objective.Owner.Primary,
        };
        if (objective.Owner.Secondary is { } secondary)
        {
            labels["secondary_owner"] = secondary;
        }

        return labels;
    }

    private static Dictionary<string, string> Annotations(SloPolicy policy, string name) => new()
    {
        ["summary"] = policy.BurnAlerts.FirstOrDefault(alert => alert.Name == name) is { } burn
            ? PrometheusRules.Summary(burn)
            : PrometheusRules.Summary(policy.AbsoluteAlerts.Single(alert => alert.Name == name)),
    };

    private static IEnumerable<object> Series(SimulatedTraffic traffic, int minutes)
    {
        foreach (var replica in new[] { 0, 1 })
        {
            string Name(string metric, string labels = "") =>
                $$"""{{metric}}{endpoint="{{traffic.Endpoint}}",instance="{{replica}}"{{labels}}}""";

            foreach (var outcome in SliOutcomes.All)
            {
                yield return Of(Name("sendcat_slo_requests_total", $",outcome=\"{outcome.Name()}\""), counts => counts[outcome]);
            }

            foreach (var (metric, histogram) in new (string, Func<SliCounts, long[]>)[]
                     {
                         ("sendcat_slo_first_token_seconds", counts => counts.FirstToken.ToArray()),
                         ("sendcat_slo_completion_seconds", counts => counts.Completion.ToArray()),
                     })
            {
                foreach (var threshold in Thresholds)
                {
                    // Exporters write a whole number of seconds with or without a fraction.
                    var bound = (threshold / 1_000.0).ToString(replica == 0 ? "0.###" : "0.0##", CultureInfo.InvariantCulture);
                    yield return Of(
                        Name($"{metric}_bucket", $",le=\"{bound}\""), counts => LatencyBuckets.Within(histogram(counts), threshold));
                }

                yield return Of(Name($"{metric}_bucket", ",le=\"+Inf\""), counts => histogram(counts)[^1]);
                yield return Of(Name($"{metric}_count"), counts => histogram(counts)[^1]);
            }

            object Of(string series, Func<SliCounts, long> value) => new
            {
                series,
                values = string.Join(' ', Enumerable.Range(0, minutes + 1).Select(minute => traffic.Until(minute) is { } counts
                    ? ((value(counts) + replica) / 2).ToString(CultureInfo.InvariantCulture)
                    : "_")),
            };
        }
    }

    private static string Minutes(int minutes) => string.Create(CultureInfo.InvariantCulture, $"{minutes}m");
}
