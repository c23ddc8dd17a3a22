namespace Sendcat.Reliability.Slo;

/// <summary>
/// The buckets of latencies, the same for every endpoint. Counts are cumulative: element <c>i</c> counts the observations of at most
/// <c>BoundsMs[i]</c> milliseconds, and the last element counts all. So the number within a threshold is one element.
/// </summary>
public static class LatencyBuckets
{
    /// <summary>
    /// Upper bounds in milliseconds. Every threshold of the policy is one of them. Rows in Postgres have one element for each, so the list
    /// never changes: another list needs columns of its own.
    /// </summary>
    public static readonly IReadOnlyList<int> BoundsMs =
    [
        50, 100, 250, 500, 1_000, 1_200, 1_500, 2_000, 2_500, 3_000, 5_000, 10_000, 12_000, 15_000, 18_000, 20_000, 30_000, 60_000, 120_000,
    ];

    /// <summary>Elements of a histogram: one for each bound, and the total.</summary>
    public static readonly int Length = BoundsMs.Count + 1;

    /// <summary>The smallest element that counts this latency.</summary>
    public static int IndexOf(TimeSpan latency)
    {
        var milliseconds = latency.TotalMilliseconds;
        for (var index = 0; index < BoundsMs.Count; index++)
        {
            if (milliseconds <= BoundsMs[index])
            {
                return index;
            }
        }

        return BoundsMs.Count;
    }

    /// <summary>The number of observations within a threshold.</summary>
    /// <param name="histogram">Cumulative counts.</param>
    /// <param name="thresholdMs">One of <see cref="BoundsMs"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The threshold is not a bound.</exception>
    public static long Within(ReadOnlySpan<long> histogram, int thresholdMs)
    {
        for (var index = 0; index < BoundsMs.Count; index++)
        {
            if (BoundsMs[index] == thresholdMs)
            {
                return histogram[index];
            }
        }

        throw new ArgumentOutOfRangeException(nameof(thresholdMs), thresholdMs, "The threshold is not a bound of the buckets.");
    }

    /// <summary>Estimates a quantile by linear interpolation inside its bucket, as Prometheus does.</summary>
    /// <param name="histogram">Cumulative counts.</param>
    /// <param name="quantile">Between 0 and 1.</param>
    /// <returns>Milliseconds; the largest bound if the quantile lies beyond it; null without observations.</returns>
    public static double? QuantileMs(ReadOnlySpan<long> histogram, double quantile)
    {
        var rank = quantile * histogram[^1];
        if (rank <= 0)
        {
            return null;
        }

        for (var index = 0; index < BoundsMs.Count; index++)
        {
            if (histogram[index] >= rank)
            {
                var (below, from) = index == 0 ? (0L, 0) : (histogram[index - 1], BoundsMs[index - 1]);
                return from + ((BoundsMs[index] - from) * (rank - below) / (histogram[index] - below));
            }
        }

        return BoundsMs[^1];
    }
}
