using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>What the record alone takes for entering, claiming and finishing, without broker, worker or upstream.</summary>
/// <param name="AtOnce">Callers; claims are always made by one, twenty jobs at a time.</param>
/// <param name="ClaimP50Ms">Of one claim of twenty jobs.</param>
internal sealed record RecordCost(
    int AtOnce, int Jobs, double EnteredPerSecond, double? EnterP50Ms, double? EnterP99Ms, double ClaimedPerSecond, double? ClaimP50Ms, double? ClaimP99Ms, double FinishedPerSecond, double? FinishP50Ms,
    double? FinishP99Ms)
{
    private const int Batch = 20;

    /// <param name="ledger">Of a stage without workers.</param>
    public static async Task<RecordCost> MeasureAsync(ToolJobLedger ledger, ToolJobLeases claims, int atOnce, int jobs, TimeProvider clock, CancellationToken cancellationToken)
    {
        // Jobs run a hundred at once at most, so claims and ends alternate.
        HistogramBase enter = Histogram(), claim = Histogram(), finish = Histogram();
        var (entering, claiming, finishing) = (TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);
        entering += await TimeAsync(clock, () => EachAsync(atOnce, jobs, number => TimedAsync(clock, enter, () => ledger.EnterAsync(
            Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, JobLoad.Arguments(QueuedTool.SearchWeb.Lane, $"question {number}"), $"user:{number % 997}"), default))));
        for (var left = jobs; left > 0;)
        {
            var held = new List<LeasedJob>();
            claiming += await TimeAsync(clock, async () =>
            {
                while (held.Count < Math.Min(left, 5 * Batch))
                {
                    await TimedAsync(clock, claim, async () => held.AddRange((await claims.ClaimAsync(QueuedTool.SearchWeb.Lane, Batch, "benchmark", cancellationToken)).Jobs));
                }
            });
            finishing += await TimeAsync(clock, () => EachAsync(atOnce, held.Count, number => TimedAsync(clock, finish, () => claims.CompleteAsync(held[number].Lease, """{"kind":"search_web"}"""))));
            left -= held.Count;
        }

        return new(
            atOnce, jobs, Math.Round(jobs / entering.TotalSeconds), enter.Ms(50), enter.Ms(99), Math.Round(jobs / claiming.TotalSeconds), claim.Ms(50), claim.Ms(99),
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
