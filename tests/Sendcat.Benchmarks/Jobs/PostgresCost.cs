using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>The cost of the statements that insert, lease and complete jobs in Postgres, without broker, worker or upstream.</summary>
/// <param name="AtOnce">The number of concurrent callers. Only one caller leases jobs, twenty at a time.</param>
/// <param name="Jobs">The number of jobs.</param>
/// <param name="EnteredPerSecond">Inserted jobs per second.</param>
/// <param name="EnterP50Ms">The median time of an insert (ms).</param>
/// <param name="EnterP99Ms">The 99th percentile of the time of an insert (ms).</param>
/// <param name="ClaimedPerSecond">Leased jobs per second.</param>
/// <param name="ClaimP50Ms">The median time to lease twenty jobs (ms).</param>
/// <param name="ClaimP99Ms">The 99th percentile of the time to lease twenty jobs (ms).</param>
/// <param name="FinishedPerSecond">Completed jobs per second.</param>
/// <param name="FinishP50Ms">The median time of a completion (ms).</param>
/// <param name="FinishP99Ms">The 99th percentile of the time of a completion (ms).</param>
internal sealed record PostgresCost(
    int AtOnce, int Jobs,
    double EnteredPerSecond, double? EnterP50Ms, double? EnterP99Ms,
    double ClaimedPerSecond, double? ClaimP50Ms, double? ClaimP99Ms,
    double FinishedPerSecond, double? FinishP50Ms, double? FinishP99Ms)
{
    private const int Batch = 20;

    /// <param name="ledger">The ledger of a setup without workers.</param>
    /// <param name="leases">The leases of the same setup.</param>
    /// <param name="atOnce">The number of concurrent callers.</param>
    /// <param name="jobs">The number of jobs.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    public static async Task<PostgresCost> MeasureAsync(
        ToolJobLedger ledger, ToolJobLeases leases, int atOnce, int jobs, TimeProvider clock, CancellationToken cancellationToken)
    {
        // At most a hundred jobs may run at the same time, so leases and completions alternate.
        HistogramBase enter = Histogram(), lease = Histogram(), finish = Histogram();
        var (entering, leasing, finishing) = (TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        entering += await TimeAsync(clock, () => EachAsync(atOnce, jobs, number => TimedAsync(clock, enter, () => ledger.EnterAsync(
            Guid.CreateVersion7(),
            new(QueuedTool.SearchWeb.Lane, JobLoad.Arguments(QueuedTool.SearchWeb.Lane, $"question {number}"), $"user:{number % 997}"),
            default))));
        for (var left = jobs; left > 0;)
        {
            var held = new List<LeasedJob>();
            leasing += await TimeAsync(clock, async () =>
            {
                while (held.Count < Math.Min(left, 5 * Batch))
                {
                    await TimedAsync(clock, lease, async () => held.AddRange(
                        (await leases.ClaimAsync(QueuedTool.SearchWeb.Lane, Batch, "benchmark", cancellationToken)).Jobs));
                }
            });
            finishing += await TimeAsync(clock, () => EachAsync(
                atOnce, held.Count,
                number => TimedAsync(clock, finish, () => leases.CompleteAsync(held[number].Lease, """{"kind":"search_web"}"""))));
            left -= held.Count;
        }

        return new(
            atOnce, jobs,
            Math.Round(jobs / entering.TotalSeconds), enter.Ms(50), enter.Ms(99),
            Math.Round(jobs / leasing.TotalSeconds), lease.Ms(50), lease.Ms(99),
            Math.Round(jobs / finishing.TotalSeconds), finish.Ms(50), finish.Ms(99));
    }

    private static LongConcurrentHistogram Histogram() => new(1, 60_000_000, 3);

    private static async Task<TimeSpan> TimeAsync(TimeProvider clock, Func<Task> action)
    {
        var began = clock.GetTimestamp();
        await action();
        return clock.GetElapsedTime(began);
    }

    private static async Task TimedAsync(TimeProvider clock, HistogramBase histogram, Func<Task> action) =>
        LoadFigures.Record(histogram, (await TimeAsync(clock, action)).TotalMicroseconds);

    private static async Task EachAsync(int atOnce, int count, Func<int, Task> action)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var number && number < count)
            {
                await action(number);
            }
        }));
    }
}
