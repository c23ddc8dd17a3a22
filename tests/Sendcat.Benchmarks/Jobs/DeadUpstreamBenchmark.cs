using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>
/// Measures the effect of one upstream that never responds on the other tools. Product search has two sources. It must return the results
/// of the other source within the same limit.
/// </summary>
internal static class DeadUpstreamBenchmark
{
    /// <summary>
    /// By name: the path of the upstream, the lane that cannot work without it, and the lane that returns partial results without it.
    /// </summary>
    private static readonly Dictionary<string, (string Path, ToolLane? DeadLane, ToolLane? PartialLane)> Upstreams = new()
    {
        ["web"] = ("/search", QueuedTool.SearchWeb.Lane, null),
        ["global"] = ("/shopping", QueuedTool.SearchGlobal.Lane, QueuedTool.SearchProducts.Lane),
        ["ebay"] = ("/buy/browse/v1/item_summary/search", null, QueuedTool.SearchProducts.Lane),
    };

    /// <summary>The allowed p95 of a lane, divided by its p95 before.</summary>
    private const double MaxSlowdown = 1.1;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "length of each of the two phases", DefaultValueFactory = _ => 40 };
        var dead = new Option<string>("--dead")
        {
            Description = "the upstream that does not respond",
            DefaultValueFactory = _ => "web",
        }.AcceptOnlyFromAmong([.. Upstreams.Keys]);
        var command = new Command("dead-upstream", "One upstream never responds: the p95 of the other tools, divided by that before.")
        {
            seconds, dead,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetRequiredValue(dead), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan length, string which, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        var (path, deadLane, partialLane) = Upstreams[which];
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        await using var setup = await JobsSetup.StartAsync(JobsSettings.Defaults, workers: 2, Latency, cancellationToken);
        var lanes = QueuedTool.All.Select(tool => tool.Lane).Select(lane => (lane, lane.Qos == QosClass.Batch ? 3.0 : 6.0)).ToArray();
        await LaneMeasurement.MeasureAsync(setup, lanes, TimeSpan.FromSeconds(8), clock, cancellationToken);
        var before = await LaneMeasurement.MeasureAsync(setup, lanes, length, clock, cancellationToken);
        await setup.Upstream.MakeUnresponsiveAsync(path, cancellationToken);
        var dead = await LaneMeasurement.MeasureAsync(setup, lanes, length, clock, cancellationToken);

        var table = new Table().Border(TableBorder.Markdown).AddColumns(LaneFigures.Columns);
        foreach (var (lane, figures) in before)
        {
            table.AddRow(figures.Row("before", lane));
            table.AddRow(dead[lane].Row($"{which} dead", lane));
        }

        AnsiConsole.Write(table);
        var slowdowns = before.Where(it => it.Key != deadLane?.Tool).ToDictionary(
            it => it.Key, it => dead[it.Key].P95Ms.Over(it.Value.P95Ms));
        Console.WriteLine(
            $"p95 dead ÷ before: {string.Join(", ", slowdowns.Select(it => $"{it.Key} {Units.Text(it.Value)}"))} (at most {MaxSlowdown}).");
        var partial = partialLane is null ? null : dead[partialLane.Tool];
        if (partial is not null)
        {
            Console.WriteLine(
                $"{partialLane!.Tool}: {partial.Partial} of {partial.Answered} results partial, "
                + $"{partial.Refused} refused, {partial.Failed} failed (both must be 0).");
        }

        await Report.WriteAsync(
            "dead-upstream",
            new { dead = which, seconds = length.TotalSeconds, Delivered = JobsSettings.Defaults, latencyMs = Latency.TotalMilliseconds },
            new { before, dead, slowdowns }, clock);
        return slowdowns.Values.All(slowdown => slowdown <= MaxSlowdown) && partial is null or { Partial: > 0, Refused: 0, Failed: 0 }
            ? 0
            : 1;
    }
}
