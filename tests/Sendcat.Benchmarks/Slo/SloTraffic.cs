using Sendcat.Reliability.Slo;

namespace Sendcat.Benchmarks.Slo;

/// <summary>The simulated requests of one replica in a minute. The seed is fixed, so every run has the same.</summary>
internal sealed class SloTraffic(int turnsOfAll, int replicas)
{
    private const int Deliveries = 200;

    /// <summary>Latencies that differ.</summary>
    private const int Strata = 50;

    private static readonly (SliOutcome Outcome, string Reason, int OfThousand)[] Unserved =
    [
        (SliOutcome.Failed, "upstream_error", 3), (SliOutcome.Failed, "upstream_timeout", 1), (SliOutcome.Shed, "user_inflight", 12),
        (SliOutcome.Shed, "global_inflight", 4), (SliOutcome.Shed, "chat_stream", 6), (SliOutcome.Rejected, "invalid_request", 2),
        (SliOutcome.Rejected, "unauthorized", 3), (SliOutcome.Rejected, "upstream_bad_request", 1),
    ];

    private readonly Random _random = new(1);

    public Guid[] Replicas { get; } = [.. Enumerable.Range(0, replicas).Select(_ => Guid.NewGuid())];

    /// <summary>The rows of one replica.</summary>
    public IEnumerable<SliMinute> At(DateTimeOffset start)
    {
        foreach (var endpoint in SloPolicy.Default.Endpoints)
        {
            var isChat = endpoint.Value.P95AcknowledgementMs is null;
            var requests = (isChat ? turnsOfAll : Deliveries) / replicas;
            var minute = new SliMinute(start, endpoint.Key);
            var unserved = 0;
            foreach (var (outcome, reason, ofThousand) in isChat ? Unserved : [])
            {
                for (var request = 0; request < requests * ofThousand / 1_000; request++, unserved++)
                {
                    minute.Add(new(outcome, reason));
                }
            }

            minute.Counts.Add(SliOutcome.Aborted, requests / 50);
            var served = requests - unserved - (requests / 50);
            minute.Counts.Add(SliOutcome.Served, served);
            for (var stratum = 0; stratum < Strata; stratum++)
            {
                var count = (served / Strata) + (stratum < served % Strata ? 1 : 0);
                if (isChat)
                {
                    minute.Counts.AddFirstToken(Latency(0.9), count);
                }

                minute.Counts.AddCompletion(Latency(isChat ? 6 : 0.05), count);
            }

            yield return minute;
        }
    }

    /// <summary>Log-normal around a median of seconds.</summary>
    private TimeSpan Latency(double median)
    {
        var normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
        return TimeSpan.FromSeconds(median * Math.Exp(0.6 * normal));
    }
}
