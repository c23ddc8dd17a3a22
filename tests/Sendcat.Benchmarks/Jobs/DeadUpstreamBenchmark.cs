using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>
/// An upstream takes questions and never answers; what do the other tools feel? One that can do without it, product search with its two sources, must answer with the other one, and is held
/// to the same bound.
/// </summary>
internal static class DeadUpstreamBenchmark
{
    private static readonly Dictionary<string, (string Path, ToolLane? Ill, ToolLane? Halved)> Upstreams = new()
    {
        ["web"] = ("/search", QueuedTool.SearchWeb.Lane, null),
        ["global"] = ("/shopping", QueuedTool.SearchGlobal.Lane, QueuedTool.SearchProducts.Lane),
        ["ebay"] = ("/buy/browse/v1/item_summary/search", null, QueuedTool.SearchProducts.Lane),
    };

    private const double MostSlowdown = 1.1;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "length of each of the two phases", DefaultValueFactory = _ => 40 };
        var dead = new Option<string>("--dead") { Description = "which one", DefaultValueFactory = _ => "web" }.AcceptOnlyFromAmong([.. Upstreams.Keys]);
        var command = new Command("dead-upstream", "One upstream times out always: the other tools' p95 against before.") { seconds, dead };
        command.SetAction((parsed, cancellationToken) => RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetRequiredValue(dead), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan length, string which, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        var (path, ill, halved) = Upstreams[which];
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        await using var stage = await JobsStage.StartAsync(JobsSettings.Delivered, workers: 2, Latency, cancellationToken);
        var lanes = QueuedTool.All.Select(tool => tool.Lane).Select(lane => (lane, lane.Qos == QosClass.Batch ? 3.0 : 6.0)).ToArray();
        await LaneWatch.MeasureAsync(stage, lanes, TimeSpan.FromSeconds(8), clock, cancellationToken);
        var before = await LaneWatch.MeasureAsync(stage, lanes, length, clock, cancellationToken);
        await stage.Upstream.KillAsync(path, cancellationToken);
        var dead = await LaneWatch.MeasureAsync(stage, lanes, length, clock, cancellationToken);

        var table = new Table().Border(TableBorder.Markdown).AddColumns(LaneFigures.Columns);
        foreach (var (lane, figures) in before)
        {
            table.AddRow(figures.Row("before", lane));
            table.AddRow(dead[lane].Row($"{which} dead", lane));
        }

        AnsiConsole.Write(table);
        var slowdowns = before.Where(it => it.Key != ill?.Tool).ToDictionary(it => it.Key, it => dead[it.Key].P95Ms.Over(it.Value.P95Ms));
        Console.WriteLine($"p95 dead ÷ before: {string.Join(", ", slowdowns.Select(it => $"{it.Key} {Units.Text(it.Value)}"))} (at most {MostSlowdown}).");
        var half = halved is null ? null : dead[halved.Tool];
        if (half is not null)
        {
            Console.WriteLine($"{halved!.Tool}: {half.Partial} of {half.Answered} answers partial, {half.Refused} refused, {half.Failed} failed (must be none of either).");
        }

        await Report.WriteAsync("dead-upstream", new { dead = which, seconds = length.TotalSeconds, JobsSettings.Delivered, latencyMs = Latency.TotalMilliseconds }, new { before, dead, slowdowns }, clock);
        return slowdowns.Values.All(slowdown => slowdown <= MostSlowdown) && half is null or { Partial: > 0, Refused: 0, Failed: 0 } ? 0 : 1;
    }
}
