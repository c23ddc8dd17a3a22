using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Lanes that are asked now and then, as by a few readers, while something happens elsewhere.</summary>
internal static class LaneWatch
{
    /// <summary>Runs for a time, then waits for the last answers.</summary>
    public static async Task<IReadOnlyDictionary<string, LaneFigures>> MeasureAsync(
        JobsStage stage, IEnumerable<(ToolLane Lane, double PerSecond)> lanes, TimeSpan length, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var over = new CancellationTokenSource(length, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        var loads = lanes.Select(lane => (lane.Lane, Load: new JobLoad(stage.Client, clock), lane.PerSecond)).ToArray();
        await Task.WhenAll(loads.Select(it => it.Load.RunAsync(it.PerSecond, it.Lane, "reader", either.Token)));
        return loads.ToDictionary(it => it.Lane.Tool, it => LaneFigures.Of(it.Load));
    }
}

/// <param name="P50Ms">Asked → answered.</param>
/// <param name="Partial">Of the answered, those without one of their sources.</param>
/// <param name="Failed">Neither answered nor refused.</param>
internal sealed record LaneFigures(long Answered, long Partial, double? P50Ms, double? P95Ms, double? P99Ms, long Refused, double? RefusedP99Ms, long Failed)
{
    public static LaneFigures Of(JobLoad load) =>
        new(load.Answered.TotalCount, load.Partial, load.Answered.Ms(50), load.Answered.Ms(95), load.Answered.Ms(99), load.Refused.TotalCount, load.Refused.Ms(99), load.Failed);

    public string[] Row(string phase, string lane) =>
        [phase, lane, $"{Answered}", $"{Partial}", Units.Text(P50Ms), Units.Text(P95Ms), Units.Text(P99Ms), $"{Refused}", Units.Text(RefusedP99Ms), $"{Failed}"];

    public static readonly string[] Columns = ["", "lane", "answered", "partial", "p50 ms", "p95 ms", "p99 ms", "refused", "refused p99 ms", "failed"];
}
