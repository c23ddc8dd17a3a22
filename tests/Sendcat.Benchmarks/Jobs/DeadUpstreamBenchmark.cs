using System.CommandLine;
using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.ToolJobs;
using Spectre.Console;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Serper's web search takes questions and never answers; what do the other tools feel?</summary>
internal static class DeadUpstreamBenchmark
{
    private const double MostSlowdown = 1.1;
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(100);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "length of each of the two phases", DefaultValueFactory = _ => 40 };
        var command = new Command("dead-upstream", "One upstream times out always: the other tools' p95 against before.") { seconds };
        command.SetAction((parsed, cancellationToken) => RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), TimeProvider.System, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan length, TimeProvider clock, CancellationToken cancellationToken)
    {
        Report.WarnWhenDebug();
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 160);
        await using var stage = await JobsStage.StartAsync(JobsSettings.Delivered, workers: 2, Latency, cancellationToken);
        var lanes = ToolLane.All.Select(lane => (lane, lane.Qos is QosClass.Batch ? 3.0 : 6.0)).ToArray();
        await LaneWatch.MeasureAsync(stage, lanes, TimeSpan.FromSeconds(8), clock, cancellationToken);
        var before = await LaneWatch.MeasureAsync(stage, lanes, length, clock, cancellationToken);
        await stage.Upstream.KillAsync("/search", cancellationToken);
        var dead = await LaneWatch.MeasureAsync(stage, lanes, length, clock, cancellationToken);

        var table = new Table().Border(TableBorder.Markdown).AddColumns(LaneFigures.Columns);
        foreach (var (lane, figures) in before)
        {
            table.AddRow(figures.Row("before", lane));
            table.AddRow(dead[lane].Row("web search dead", lane));
        }

        AnsiConsole.Write(table);
        var slowdowns = before.Where(it => it.Key != ToolLane.SearchWeb.Tool).ToDictionary(it => it.Key, it => dead[it.Key].P95Ms.Over(it.Value.P95Ms));
        Console.WriteLine($"p95 dead ÷ before: {string.Join(", ", slowdowns.Select(it => $"{it.Key} {Units.Text(it.Value)}"))} (at most {MostSlowdown}).");
        await Report.WriteAsync("dead-upstream", new { seconds = length.TotalSeconds, JobsSettings.Delivered, latencyMs = Latency.TotalMilliseconds }, new { before, dead, slowdowns }, clock);
        return slowdowns.Values.All(slowdown => slowdown <= MostSlowdown) ? 0 : 1;
    }
}
