using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.Admission;

namespace Sendcat.Benchmarks.Admission;

/// <summary>
/// Turns that arrive at a multiple of what there is room for, whether or not the ones before were answered, and each hold their place for a fixed time; a refused one is gone.
/// </summary>
/// <param name="Times">Arrivals per second ÷ room per second (<c>cap ÷ hold</c>).</param>
/// <param name="Goodput">Turns per second that ran to their end.</param>
/// <param name="MostAtOnce">Places held at the same moment; never more than the cap.</param>
/// <param name="LeftBehind">Members of the global lease set afterwards.</param>
internal sealed record Overload(
    double Times, long Arrived, double ArrivedPerSecond, double Goodput, long Refused, double? RefusedP50Ms, double? RefusedP99Ms, double? AdmittedP99Ms, int MostAtOnce, long LeftBehind)
{
    private const long Longest = 60_000_000;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    public static async Task<Overload> MeasureAsync(
        AdmissionStage.Running running, int cap, TimeSpan hold, double times, TimeSpan length, TimeProvider clock, CancellationToken cancellationToken)
    {
        HistogramBase refusals = new LongConcurrentHistogram(1, Longest, 3), admissions = new LongConcurrentHistogram(1, Longest, 3);
        var (perSecond, held, most, done) = (times * cap / hold.TotalSeconds, 0, 0, 0L);
        var turns = new List<Task>((int)(perSecond * length.TotalSeconds));
        var began = clock.GetTimestamp();
        using (var timer = new PeriodicTimer(Tick, clock))
        {
            while (clock.GetElapsedTime(began) is var elapsed && elapsed < length)
            {
                for (var due = (int)(elapsed.TotalSeconds * perSecond); turns.Count < due;)
                {
                    turns.Add(TurnAsync());
                }

                await timer.WaitForNextTickAsync(cancellationToken);
            }
        }

        await Task.WhenAll(turns);
        var seconds = clock.GetElapsedTime(began).TotalSeconds;
        return new(
            times, turns.Count, Math.Round(turns.Count / seconds), Math.Round(done / seconds, 1), refusals.TotalCount, refusals.Ms(50), refusals.Ms(99), admissions.Ms(99), most, await LeftAsync(running));

        async Task TurnAsync()
        {
            var asked = clock.GetTimestamp();
            var decision = await running.AdmitAsync(cancellationToken);
            var took = clock.GetElapsedTime(asked).TotalMicroseconds;
            if (decision is not AdmissionDecision.Admitted admitted)
            {
                LoadFigures.Record(refusals, took);
                return;
            }

            LoadFigures.Record(admissions, took);
            await using (admitted.Ticket)
            {
                var now = Interlocked.Increment(ref held);
                for (var seen = Volatile.Read(ref most); now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen; seen = Volatile.Read(ref most))
                {
                }

                await Task.Delay(hold, clock, cancellationToken);
                Interlocked.Decrement(ref held);
                Interlocked.Increment(ref done);
            }
        }
    }

    private static async Task<long> LeftAsync(AdmissionStage.Running running) =>
        await running.Redis.SortedSetLengthAsync(Sendcat.Reliability.Redis.RedisKeys.GlobalInFlight("admit:chat"));
}
