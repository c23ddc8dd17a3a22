using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Sendcat.Reliability.Slo;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Slo;

/// <summary>
/// The dashboard of Grafana queries metrics that docs/telemetry.md documents, and series that the rules of Prometheus record.
/// </summary>
public sealed partial class DashboardTests
{
    private static readonly string[] Functions = ["sum", "rate", "histogram_quantile"];

    private static JsonNode Dashboard => JsonNode.Parse(Read("docs", "monitoring", "grafana-dashboard.json"))!;

    [Fact]
    public void Every_query_uses_documented_metrics_with_their_tags()
    {
        var documented = Documented();
        var recorded = RecordName().Matches(PrometheusRules.Write(SloPolicy.Default, "L"))
            .Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var query in Queries())
        {
            var labels = Label().Matches(query).Select(match => match.Value)
                .Concat(By().Matches(query).SelectMany(match => match.Groups["labels"].Value.Split(", "))).Except(["le"]).ToArray();
            var metrics = Identifier().Matches(Aside().Replace(query, "")).Select(match => match.Value).Except(Functions).ToArray();
            var tags = metrics.SelectMany(metric =>
                recorded.Contains(metric) ? ["endpoint", "indicator"] : documented.GetValueOrDefault(metric) ?? []);
            problems.AddRange(metrics
                .Where(metric => !documented.ContainsKey(metric) && !recorded.Contains(metric)).Select(metric => $"{metric} in {query}"));
            problems.AddRange(labels.Except(tags).Select(label => $"label {label} in {query}"));
            Assert.NotEmpty(metrics);
        }

        Assert.Empty(problems);
    }

    [Fact]
    public void Every_panel_has_an_id_of_its_own_a_title_and_queries()
    {
        var panels = Dashboard["panels"]!.AsArray();

        Assert.Equal(panels.Count, panels.Select(panel => (int)panel!["id"]!).Distinct().Count());
        Assert.All(panels, panel => Assert.False(string.IsNullOrEmpty((string?)panel!["title"])));
        Assert.All(panels.Where(panel => (string)panel!["type"]! != "row"), panel => Assert.NotEmpty(panel!["targets"]!.AsArray()));
    }

    [Fact]
    public void Names_in_Prometheus_have_the_suffix_of_their_type()
    {
        var documented = Documented();

        Assert.Equal(["endpoint", "outcome"], documented["sendcat_slo_requests_total"]);
        Assert.Contains("sendcat_slo_first_token_seconds_bucket", documented.Keys);
        Assert.Contains("gen_ai_client_token_usage_sum", documented.Keys);
        Assert.Contains("sendcat_chat_turns_active", documented.Keys);
        Assert.DoesNotContain("sendcat_chat_turns_active_total", documented.Keys);
    }

    private static IEnumerable<string> Queries() =>
        Dashboard["panels"]!.AsArray().SelectMany(panel => panel!["targets"]?.AsArray() ?? []).Select(target => (string)target!["expr"]!);

    /// <summary>The series of the instruments in the table of meters, with the tags of their row.</summary>
    private static Dictionary<string, string[]> Documented()
    {
        var series = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var row in MeterRow().Matches(Read("docs", "telemetry.md")).Cast<Match>())
        {
            var tags = Code().Matches(row.Groups["tags"].Value).Select(tag => tag.Groups["name"].Value.Replace('.', '_')).ToArray();
            foreach (var instrument in Instrument().Matches(row.Groups["instruments"].Value).Cast<Match>())
            {
                var name = instrument.Groups["name"].Value.Replace('.', '_');
                foreach (var suffix in Suffixes(instrument.Groups["type"].Value))
                {
                    series[name + suffix] = tags;
                }
            }
        }

        return series;
    }

    private static string[] Suffixes(string type) => type switch
    {
        "" => ["_total"],
        "gauge" or "up-down counter" => [""],
        "histogram" => ["_bucket", "_sum", "_count"],
        "histogram, s" => ["_seconds_bucket", "_seconds_sum", "_seconds_count"],
        _ => throw new InvalidOperationException($"{type} is no type of an instrument."),
    };

    private static string Read(params string[] path) => File.ReadAllText(Path.Combine([Repository.Root, .. path]));

    [GeneratedRegex(
        @"^\|[^|]*\|(?<instruments>[^|]*`(sendcat|gen_ai)\.[^|]*)\|(?<tags>[^|]*)\|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MeterRow();

    [GeneratedRegex(@"`(?<name>(sendcat|gen_ai)\.[a-z_.]+)`( \((?<type>[^)]*)\))?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Instrument();

    [GeneratedRegex("`(?<name>[a-z_.]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"(?<=[{,] ?)[a-z_]+(?=!?=~?"")", RegexOptions.None, 1000)]
    private static partial Regex Label();

    [GeneratedRegex(@"by \((?<labels>[^)]*)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex By();

    [GeneratedRegex(@"by \([^)]*\)|\{[^}]*\}|\[[^\]]*\]", RegexOptions.None, 1000)]
    private static partial Regex Aside();

    [GeneratedRegex("[a-z_][a-z0-9_:]*", RegexOptions.None, 1000)]
    private static partial Regex Identifier();

    [GeneratedRegex(@"- record: (?<name>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RecordName();
}
