using HdrHistogram;
using Sendcat.Benchmarks.Load;
using Sendcat.Benchmarks.Measure;
using Sendcat.Reliability.Admission;

namespace Sendcat.Benchmarks.Admission;

/// <summary>The time of an admission decision compared with a PING that the same caller sends just before it.</summary>
/// <param name="AtOnce">The number of concurrent callers.</param>
/// <param name="PingP50Ms">The median time of a PING (ms).</param>
/// <param name="PingP99Ms">The 99th percentile of the time of a PING (ms).</param>
/// <param name="AdmitP50Ms">The median time of a decision (ms).</param>
/// <param name="AdmitP99Ms">The 99th percentile of the time of a decision (ms).</param>
/// <param name="RatioP50">The median of a decision divided by that of a PING.</param>
/// <param name="RatioP99">The 99th percentile of a decision divided by that of a PING.</param>
/// <param name="Refused">The number of refusals; 0 is expected.</param>
internal sealed record DecisionCost(
    int AtOnce, double? PingP50Ms, double? PingP99Ms, double? AdmitP50Ms, double? AdmitP99Ms, double? RatioP50, double? RatioP99,
    int Refused)
{
    private const long MaxMicroseconds = 60_000_000;

    public static async Task<DecisionCost> MeasureAsync(
        AdmissionSetup.RunningAdmission running, int atOnce, int decisions, TimeProvider clock, CancellationToken cancellationToken)
    {
        HistogramBase ping = new LongConcurrentHistogram(1, MaxMicroseconds, 3), admit = new LongConcurrentHistogram(1, MaxMicroseconds, 3);
        var refused = 0;
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => CallerAsync()));
        return new(
            atOnce, ping.Ms(50), ping.Ms(99), admit.Ms(50), admit.Ms(99), admit.Ms(50).Over(ping.Ms(50)), admit.Ms(99).Over(ping.Ms(99)),
            refused);

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
