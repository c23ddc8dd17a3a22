using System.Globalization;
using System.Text;
using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Alerts;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>docs/alerts.md lists every kind of alert and every threshold. A failure prints the expected table, ready to paste.</summary>
public sealed class AlertPageTests
{
    private static string Text { get; } = File.ReadAllText(Path.Combine(Repository.Root, "docs", "alerts.md"));

    [Fact]
    public void The_page_lists_every_kind()
    {
        var table = new StringBuilder("| kind | severity | when | over | look |\n|---|---|---|---|---|");
        foreach (var kind in AlertRules.All.Select(rule => rule.Kind))
        {
            table.Append(
                CultureInfo.InvariantCulture,
                $"\n| [{kind.Name}](#{kind.Name}) | {kind.Severity.Name()} | {kind.When} | {kind.Over} | `{kind.Command}` |");
        }

        Same("kinds", table.ToString());
    }

    [Fact]
    public void The_page_lists_every_bucket()
    {
        var policy = AlertPolicy.Default;
        var table = new StringBuilder("| bucket | refusals | decisions without Redis |\n|---|---|---|");
        foreach (var (bucket, threshold) in policy.BlockedFrom)
        {
            table.Append(
                CultureInfo.InvariantCulture,
                $"\n| `{bucket}` | {threshold} | {policy.ContentionFrom.GetValueOrDefault(bucket, policy.OtherContentionFrom)} |");
        }

        Same("buckets", table.ToString());
    }

    [Fact]
    public void Every_kind_has_a_playbook_on_the_page() =>
        Assert.All(AlertRules.All.Select(rule => rule.Kind), kind =>
        {
            Assert.Equal($"docs/alerts.md#{kind.Name}", kind.Playbook);
            Assert.Contains($"\n### {kind.Name}\n", Text, StringComparison.Ordinal);
        });

    private static void Same(string name, string expected)
    {
        var (begin, end) = ($"<!-- {name}: begin -->", $"<!-- {name}: end -->");
        var at = Text.IndexOf(begin, StringComparison.Ordinal);
        var to = Text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(at >= 0 && to > at, $"The page has no '{begin}' followed by '{end}'.");
        Assert.True(Text[(at + begin.Length)..to].Trim() == expected, $"The table of {name} in docs/alerts.md should be:\n\n{expected}\n");
    }
}
