using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.Admission;

namespace Sendcat.Benchmarks.Admission;

/// <summary>What a decision costs beside a PING that the same caller sent just before it.</summary>
internal sealed record DecisionCost(int AtOnce, double? PingP50Ms, double? PingP99Ms, double? AdmitP50Ms, double? AdmitP99Ms, double? RatioP50, double? RatioP99, int Refused)
{
    private const long Longest = 60_000_000;

    public static async Task<DecisionCost> MeasureAsync(AdmissionStage.Running running, int atOnce, int decisions, TimeProvider clock, CancellationToken cancellationToken)
    {
        HistogramBase ping = new LongConcurrentHistogram(1, Longest, 3), admit = new LongConcurrentHistogram(1, Longest, 3);
        var refused = 0;
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => CallerAsync()));
        return new(
            atOnce, ping.Ms(50), ping.Ms(99), admit.Ms(50), admit.Ms(99), admit.Ms(50).Over(ping.Ms(50)), admit.Ms(99).Over(ping.Ms(99)), refused);

        async Task CallerAsync()
        {
            for (var n = 0; n < decisions / atOnce; n++)
            {
                var began = clock.GetTimestamp();
                await running.Redis.PingAsync();
                LoadFigures.Record(ping, clock.GetElapsedTime(began).TotalMicroseconds);

                began = clock.GetTimestamp();
                var decision = await running.AdmitAsync(cancellationToken);
                LoadFigures.Record(admit, clock.GetElapsedTime(began).TotalMicroseconds);
                if (decision is AdmissionDecision.Admitted admitted)
                {
                    await admitted.Ticket.DisposeAsync();
                }
                else
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }
    }
}
