using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>One lane is asked for many times what it can do; what do the others feel?</summary>
internal static class FloodBenchmark
{
    private const double MostSlowdown = 2;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TellWithin = TimeSpan.FromSeconds(1);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "length of each of the two phases", DefaultValueFactory = _ => 25 };
        var perSecond = new Option<double>("--per-second") { Description = "jobs that flood the lane", DefaultValueFactory = _ => 200 };
        var tool = new Option<string>("--lane") { Description = "the flooded lane", DefaultValueFactory = _ => QueuedTool.SearchWeb.Lane.Tool };
        var command = new Command("flood", "One lane flooded, caps as delivered: the others' p95 against idle.") { seconds, perSecond, tool };
        command.SetAction((parsed, cancellationToken) => RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(perSecond), QueuedTool.All.Single(known => known.Name == parsed.GetValue(tool)).Lane, TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan length, double perSecond, ToolLane flooded, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        await using var stage = await JobsStage.StartAsync(JobsSettings.Delivered, workers: 2, Latency, cancellationToken);
        var others = QueuedTool.All.Select(tool => tool.Lane).Where(lane => lane != flooded).Select(lane => (lane, lane.Qos == QosClass.Batch ? 3.0 : 6.0)).ToArray();
        await LaneWatch.MeasureAsync(stage, QueuedTool.All.Select(tool => tool.Lane).Select(lane => (lane, 4.0)), TimeSpan.FromSeconds(8), clock, cancellationToken);
        var idle = await LaneWatch.MeasureAsync(stage, others, length, clock, cancellationToken);

        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var flood = new JobLoad(stage.Client, clock);
        var flooding = flood.RunAsync(perSecond, flooded, "flood", over.Token);
        var during = await LaneWatch.MeasureAsync(stage, others, length, clock, cancellationToken);
        var reading = (await stage.Get<ToolJobStatistics>().ReadAsync(length, cancellationToken)).Lanes.Single(lane => lane.Tool == flooded.Tool);
        await over.CancelAsync();
        await flooding;

        var table = new Table().Border(TableBorder.Markdown).AddColumns(LaneFigures.Columns);
        foreach (var (lane, figures) in idle)
        {
            table.AddRow(figures.Row("idle", lane));
            table.AddRow(during[lane].Row("flooded", lane));
        }

        table.AddRow(LaneFigures.Of(flood).Row("the flood", flooded.Tool));
        AnsiConsole.Write(table);
        var slowdowns = idle.ToDictionary(it => it.Key, it => during[it.Key].P95Ms.Over(it.Value.P95Ms));
        Console.WriteLine($"p95 flooded ÷ idle: {string.Join(", ", slowdowns.Select(it => $"{it.Key} {Units.Text(it.Value)}"))} (at most {MostSlowdown}). In the flood: {reading.Queued} waiting, oldest {reading.OldestQueued.TotalSeconds:0.0} s, {reading.Running} running.");
        await Report.WriteAsync("flood", new { seconds = length.TotalSeconds, perSecond, lane = flooded.Tool, JobsSettings.Delivered, latencyMs = Latency.TotalMilliseconds }, new { idle, during, flood = LaneFigures.Of(flood), slowdowns, reading }, clock);
        return slowdowns.Values.All(slowdown => slowdown <= MostSlowdown) && during.Values.All(lane => lane is { Answered: > 0, Refused: 0, Failed: 0 })
            && flood.Refused.TotalCount > 0 && flood.Refused.Ms(99) <= TellWithin.TotalMilliseconds ? 0 : 1;
    }
}
