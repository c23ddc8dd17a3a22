using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.Admission;

namespace Sendcat.Benchmarks.Admission;

/// <summary>
/// Admission under an open-loop load. Turns arrive at a multiple of the capacity, independent of the responses to earlier turns. Each
/// admitted turn holds its slot for a fixed time. A refused turn does not retry.
/// </summary>
/// <param name="Times">Arrivals per second divided by the capacity per second (<c>cap ÷ hold</c>).</param>
/// <param name="Goodput">The turns per second that ran to their end.</param>
/// <param name="MostAtOnce">The highest number of slots held at the same time; at most the cap.</param>
/// <param name="LeftBehind">The number of members of the global lease set after the run; 0 is expected.</param>
internal sealed record Overload(
    double Times, long Arrived, double ArrivedPerSecond, double Goodput, long Refused, double? RefusedP50Ms, double? RefusedP99Ms,
    double? AdmittedP99Ms, int MostAtOnce, long LeftBehind)
{
    private const long MaxMicroseconds = 60_000_000;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    public static async Task<Overload> MeasureAsync(
        AdmissionSetup.RunningAdmission running, int cap, TimeSpan hold, double times, TimeSpan length, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        HistogramBase refusals = new LongConcurrentHistogram(1, MaxMicroseconds, 3);
        HistogramBase admissions = new LongConcurrentHistogram(1, MaxMicroseconds, 3);
        var (perSecond, held, highest, done) = (times * cap / hold.TotalSeconds, 0, 0, 0L);
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
            times, turns.Count, Math.Round(turns.Count / seconds), Math.Round(done / seconds, 1), refusals.TotalCount, refusals.Ms(50),
            refusals.Ms(99), admissions.Ms(99), highest, await CountLeasesAsync(running));

        async Task TurnAsync()
        {
            var requested = clock.GetTimestamp();
            var decision = await running.AdmitAsync(cancellationToken);
            var took = clock.GetElapsedTime(requested).TotalMicroseconds;
            if (decision is not AdmissionDecision.Admitted admitted)
            {
                LoadFigures.Record(refusals, took);
                return;
            }

            LoadFigures.Record(admissions, took);
            await using (admitted.Ticket)
            {
                var now = Interlocked.Increment(ref held);
                for (var seen = Volatile.Read(ref highest);
                    now > seen && Interlocked.CompareExchange(ref highest, now, seen) != seen;
                    seen = Volatile.Read(ref highest))
                {
                }

                await Task.Delay(hold, clock, cancellationToken);
                Interlocked.Decrement(ref held);
                Interlocked.Increment(ref done);
            }
        }
    }

    private static async Task<long> CountLeasesAsync(AdmissionSetup.RunningAdmission running) =>
        await running.Redis.SortedSetLengthAsync(Sendcat.Reliability.Redis.RedisKeys.GlobalInFlight("admit:chat"));
}
