using CsCheck;
using Sendcat.Reliability.Redis;

namespace Sendcat.UnitTests.Reliability;

public sealed class WindowCountTests
{
    private const long Length = 1_000;

    [Fact]
    public void A_burst_across_a_window_boundary_is_limited_once()
    {
        var count = new WindowCount(0, 0, 0);
        var admitted = 0;

        foreach (var now in Enumerable.Repeat(999L, 20).Concat(Enumerable.Repeat(1_000L, 20)))
        {
            count = count.At(now, Length);
            if (count.Fits(now, Length, max: 10, cost: 1))
            {
                (count, admitted) = (count.Take(1), admitted + 1);
            }
        }

        Assert.Equal(10, admitted);
    }

    [Fact]
    public void A_clock_aligned_window_never_admits_more_than_the_limit() =>
        Gen.Select(Gen.Int[1, 20], Gen.Select(Gen.Long[0, 400], Gen.Int[1, 3]).Array[1, 200]).Sample((max, calls) =>
        {
            var (now, count) = (0L, new WindowCount(0, 0, 0));
            var perWindow = new Dictionary<long, int>();
            foreach (var (wait, cost) in calls)
            {
                now += wait;
                count = count.At(now, Length);
                if (count.Fits(now, Length, max, cost))
                {
                    count = count.Take(cost);
                    perWindow[now / Length] = perWindow.GetValueOrDefault(now / Length) + cost;
                }
            }

            return perWindow.Values.All(taken => taken <= max);
        });

    [Fact]
    public void A_request_fits_at_its_retry_time_and_not_2_ms_earlier() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 3], Gen.Long[0, 50], Gen.Long[0, 50], Gen.Long[0, 999]).Sample(
            (max, cost, current, previous, offset) =>
            {
                var count = new WindowCount(7, Math.Min(current, max), Math.Min(previous, max));
                var now = (7 * Length) + offset;
                if (cost > max || count.Fits(now, Length, max, cost))
                {
                    return true;
                }

                var retryAt = now + (long)count.UntilFits(now, Length, max, cost).TotalMilliseconds;
                var then = count.At(retryAt, Length);
                var before = count.At(retryAt - 2, Length);
                return then.Fits(retryAt, Length, max, cost) && (retryAt - 2 < now || !before.Fits(retryAt - 2, Length, max, cost));
            });

    [Fact]
    public void Costs_older_than_two_windows_are_not_counted() =>
        Assert.Equal(0, new WindowCount(3, 9, 9).At(5 * Length, Length).Used(5 * Length, Length));

    [Fact]
    public void The_wait_is_at_most_one_window_and_the_request_fits_after_it() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 5], Gen.Long[0, 500], Gen.Long[0, 500], Gen.Long[0, 999]).Sample(
            (max, cost, first, second, offset) =>
            {
                var (before, now) = ((7 * Length) - 300, (7 * Length) + offset);
                var count = new WindowCount(6, 0, 0).Spend(first, before).At(now, Length).Spend(second, now);
                if (cost > max || count.Fits(now, Length, max, cost))
                {
                    return true;
                }

                var waitMs = (long)count.UntilFits(now, Length, max, cost).TotalMilliseconds;
                return waitMs <= Length && count.At(now + waitMs, Length).Fits(now + waitMs, Length, max, cost);
            });

    [Theory]
    [InlineData(16, 3, 100, 9, 34)]
    [InlineData(28, 5, 125, 19, 92)]
    [InlineData(24, 3, 75, 0, 17)]
    public void The_wait_is_exact_where_the_weights_are_not_binary_fractions(int max, int cost, long first, long second, long offset)
    {
        var (before, now) = ((7 * Length) - 300, (7 * Length) + offset);
        var count = new WindowCount(6, 0, 0).Spend(first, before).At(now, Length).Spend(second, now);
        var waitMs = (long)count.UntilFits(now, Length, max, cost).TotalMilliseconds;

        Assert.True(count.At(now + waitMs, Length).Fits(now + waitMs, Length, max, cost));
        Assert.False(count.At(now + waitMs - 1, Length).Fits(now + waitMs - 1, Length, max, cost));
    }

    [Fact]
    public void An_overspent_window_admits_again_one_window_after_the_last_cost()
    {
        var count = new WindowCount(0, 0, 0).Spend(500, 100);

        Assert.Equal(1_000, count.UntilFits(100, Length, max: 10, cost: 1).TotalMilliseconds);
        Assert.False(count.At(1_099, Length).Fits(1_099, Length, max: 10, cost: 1));
        Assert.True(count.At(1_100, Length).Fits(1_100, Length, max: 10, cost: 1));
    }

    [Fact]
    public void A_refund_is_credited_to_the_window_that_counted_the_cost()
    {
        var count = new WindowCount(0, 0, 0).Spend(100, 900).At(1_200, Length).Spend(7, 1_200);

        Assert.Equal((7, 40), (count.Refund(60, 900, Length).Current, count.Refund(60, 900, Length).Previous));
        Assert.Equal((0, 100), (count.Refund(60, 1_100, Length).Current, count.Refund(60, 1_100, Length).Previous));
        Assert.Equal(count, count.At(2_000, Length) with { Index = 1, Current = 7, Previous = 100 });
        Assert.Equal(new WindowCount(2, 0, 7) { LastMs = 1_200 }, count.At(2_000, Length).Refund(60, 900, Length));
    }
}
