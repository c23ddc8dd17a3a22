using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>Measures lanes under a light constant load.</summary>
internal static class LaneMeasurement
{
    /// <summary>Starts jobs for the given time and waits for the end of the last ones.</summary>
    /// <param name="setup">The system.</param>
    /// <param name="lanes">The lanes, with their jobs per second.</param>
    /// <param name="length">How long jobs are started.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>The figures by tool.</returns>
    public static async Task<IReadOnlyDictionary<string, LaneFigures>> MeasureAsync(
        JobsSetup setup, IEnumerable<(ToolLane Lane, double PerSecond)> lanes, TimeSpan length, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        using var end = new CancellationTokenSource(length, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(end.Token, cancellationToken);
        var loads = lanes.Select(lane => (lane.Lane, Load: new JobLoad(setup.Client, clock), lane.PerSecond)).ToArray();
        await Task.WhenAll(loads.Select(it => it.Load.RunAsync(it.PerSecond, it.Lane, "reader", stop.Token)));
        return loads.ToDictionary(it => it.Lane.Tool, it => LaneFigures.Of(it.Load));
    }
}

/// <summary>The figures of one lane.</summary>
/// <param name="Answered">The number of completed jobs.</param>
/// <param name="Partial">The number of completed jobs without one of their sources.</param>
/// <param name="P50Ms">The median time from the request to the result (ms).</param>
/// <param name="P95Ms">The 95th percentile of the same time (ms).</param>
/// <param name="P99Ms">The 99th percentile of the same time (ms).</param>
/// <param name="Refused">The number of refusals by a full lane.</param>
/// <param name="RefusedP99Ms">The 99th percentile of the time from the request to the refusal (ms).</param>
/// <param name="Failed">The number of jobs that were neither completed nor refused.</param>
internal sealed record LaneFigures(
    long Answered, long Partial, double? P50Ms, double? P95Ms, double? P99Ms, long Refused, double? RefusedP99Ms, long Failed)
{
    public static LaneFigures Of(JobLoad load) =>
        new(
            load.Completed.TotalCount, load.Partial, load.Completed.Ms(50), load.Completed.Ms(95), load.Completed.Ms(99),
            load.Refused.TotalCount, load.Refused.Ms(99), load.Failed);

    public string[] Row(string phase, string lane) =>
        [
            phase, lane, $"{Answered}", $"{Partial}", Units.Text(P50Ms), Units.Text(P95Ms), Units.Text(P99Ms), $"{Refused}",
            Units.Text(RefusedP99Ms), $"{Failed}"
        ];

    public static readonly string[] Columns = [
        "", "lane", "completed", "partial", "p50 ms", "p95 ms", "p99 ms", "refused", "refused p99 ms", "failed"];
}
