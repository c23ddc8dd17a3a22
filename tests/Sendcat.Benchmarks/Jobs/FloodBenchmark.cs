using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Measures the effect of one flooded lane on the other lanes.</summary>
internal static class FloodBenchmark
{
    /// <summary>The allowed p95 of another lane, divided by its p95 when idle.</summary>
    private const double MaxSlowdown = 2;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    /// <summary>The maximum p99 of the time of a refusal.</summary>
    private static readonly TimeSpan MaxRefusalTime = TimeSpan.FromSeconds(1);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "length of each of the two phases", DefaultValueFactory = _ => 25 };
        var perSecond = new Option<double>("--per-second")
        {
            Description = "jobs per second in the flooded lane",
            DefaultValueFactory = _ => 200,
        };
        var tool = new Option<string>("--lane")
        {
            Description = "the flooded lane",
            DefaultValueFactory = _ => QueuedTool.SearchWeb.Lane.Tool,
        };
        var command = new Command("flood", "One lane flooded, with the default caps: the p95 of the other lanes, divided by that when idle.")
        {
            seconds, perSecond, tool,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(perSecond),
            QueuedTool.All.Single(known => known.Name == parsed.GetValue(tool)).Lane, TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        TimeSpan length, double perSecond, ToolLane flooded, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        await using var setup = await JobsSetup.StartAsync(JobsSettings.Defaults, workers: 2, Latency, cancellationToken);
        var others = QueuedTool.All.Select(tool => tool.Lane)
            .Where(lane => lane != flooded)
            .Select(lane => (lane, lane.Qos == QosClass.Batch ? 3.0 : 6.0))
            .ToArray();
        await LaneMeasurement.MeasureAsync(
            setup, QueuedTool.All.Select(tool => tool.Lane).Select(lane => (lane, 4.0)), TimeSpan.FromSeconds(8), clock, cancellationToken);
        var idle = await LaneMeasurement.MeasureAsync(setup, others, length, clock, cancellationToken);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var flood = new JobLoad(setup.Client, clock);
        var flooding = flood.RunAsync(perSecond, flooded, "flood", stop.Token);
        var during = await LaneMeasurement.MeasureAsync(setup, others, length, clock, cancellationToken);
        var statistics = (await setup.Get<ToolJobStatistics>().ReadAsync(length, cancellationToken))
            .Lanes.Single(lane => lane.Tool == flooded.Tool);
        await stop.CancelAsync();
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
        Console.WriteLine(
            $"p95 flooded ÷ idle: {string.Join(", ", slowdowns.Select(it => $"{it.Key} {Units.Text(it.Value)}"))} (at most {MaxSlowdown}). "
            + $"In the flood: {statistics.Queued} waiting, "
            + $"oldest {statistics.OldestQueued.TotalSeconds:0.0} s, {statistics.Running} running.");
        await Report.WriteAsync(
            "flood",
            new
            {
                seconds = length.TotalSeconds,
                perSecond,
                lane = flooded.Tool,
                Delivered = JobsSettings.Defaults,
                latencyMs = Latency.TotalMilliseconds,
            },
            new { idle, during, flood = LaneFigures.Of(flood), slowdowns, reading = statistics }, clock);
        return slowdowns.Values.All(slowdown => slowdown <= MaxSlowdown)
            && during.Values.All(lane => lane is { Answered: > 0, Refused: 0, Failed: 0 })
            && flood.Refused.TotalCount > 0 && flood.Refused.Ms(99) <= MaxRefusalTime.TotalMilliseconds ? 0 : 1;
    }
}
