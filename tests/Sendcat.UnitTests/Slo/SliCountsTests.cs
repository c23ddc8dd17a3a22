using CsCheck;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Slo;

/// <summary>Counts, buckets of latencies and windows.</summary>
public sealed class SliCountsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_bounds_of_the_buckets_never_change() =>
        Assert.Equal(
            [50, 100, 250, 500, 1000, 1200, 1500, 2000, 2500, 3000, 5000, 10000, 12000, 15000, 18000, 20000, 30000, 60000, 120000],
            LatencyBuckets.BoundsMs);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3_000, 1)]
    [InlineData(3_000.1, 0)]
    [InlineData(500_000, 0)]
    public void A_latency_counts_within_its_threshold_up_to_the_threshold_itself(double milliseconds, long within)
    {
        var counts = new SliCounts();
        counts.AddFirstToken(TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal((within, 1L), (LatencyBuckets.Within(counts.FirstToken, 3_000), counts.FirstToken[^1]));
    }

    [Fact]
    public void A_threshold_between_two_bounds_is_an_error() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LatencyBuckets.Within(new SliCounts().FirstToken, 2_999));

    [Fact]
    public void A_quantile_is_inside_the_bucket_of_the_exact_one() =>
        Gen.Double[0, 130_000].Array[1, 300].Sample(latencies =>
        {
            var counts = new SliCounts();
            Array.ForEach(latencies, latency => counts.AddCompletion(TimeSpan.FromMilliseconds(latency)));
            Array.Sort(latencies);

            var exact = latencies[(int)Math.Ceiling(0.95 * latencies.Length) - 1];
            var estimate = LatencyBuckets.QuantileMs(counts.Completion, 0.95)!.Value;

            var bucket = LatencyBuckets.IndexOf(TimeSpan.FromMilliseconds(exact));
            var from = bucket == 0 ? 0 : LatencyBuckets.BoundsMs[bucket - 1];
            var to = LatencyBuckets.BoundsMs[Math.Min(bucket, LatencyBuckets.BoundsMs.Count - 1)];
            return estimate >= Math.Min(from, to) && estimate <= to;
        });

    [Fact]
    public void A_histogram_without_observations_has_no_quantile() =>
        Assert.Null(LatencyBuckets.QuantileMs(new SliCounts().Completion, 0.95));

    [Theory]
    [InlineData(200, SliOutcome.Served)]
    [InlineData(302, SliOutcome.Served)]
    [InlineData(403, SliOutcome.Rejected)]
    [InlineData(429, SliOutcome.Shed)]
    [InlineData(499, SliOutcome.Aborted)]
    [InlineData(500, SliOutcome.Failed)]
    [InlineData(503, SliOutcome.Failed)]
    public void A_status_is_one_outcome(int status, SliOutcome outcome) => Assert.Equal(outcome, SliOutcomes.OfStatus(status));

    [Fact]
    public void A_window_holds_the_minutes_before_its_end_and_no_other()
    {
        var windows = new SliWindows(Noon, [3, 60]);
        foreach (var minutesAgo in new[] { -1, 0, 1, 3, 4, 60, 61 })
        {
            windows.Add("/a", Noon.AddMinutes(-minutesAgo), Served(1));
        }

        windows.Add("/b", Noon.AddMinutes(-1), Served(7));

        Assert.Equal((2L, 2L), Sum(windows.Of("/a", 3)));
        Assert.Equal((4L, 4L), Sum(windows.Of("/a", 60)));
        Assert.Equal((1L, 7L), Sum(windows.Of("/b", 60)));
        Assert.Equal((0L, 0L), Sum(windows.Of("/c", 60)));
        Assert.Equal(Noon.AddMinutes(-1), windows.Newest);
    }

    [Fact]
    public void A_moment_is_in_the_minute_that_began_last() =>
        Assert.Equal(Noon, SliWindows.MinuteOf(Noon.AddMilliseconds(59_999).ToOffset(TimeSpan.FromHours(-5))));

    private static SliCounts Served(long count)
    {
        var counts = new SliCounts();
        counts.Add(SliOutcome.Served, count);
        return counts;
    }

    private static (long Covered, long Served) Sum(SliWindow window) => (window.Covered, window.Counts.Served);
}
