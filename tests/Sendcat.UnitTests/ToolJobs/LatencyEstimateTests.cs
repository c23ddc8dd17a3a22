using Microsoft.Extensions.Time.Testing;
using Sendcat.ToolWorker.SearchProducts;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class LatencyEstimateTests
{
    private static readonly TimeSpan TurnWait = TimeSpan.FromSeconds(8);

    private readonly FakeTimeProvider _time = new();
    private readonly LatencyEstimate _estimate;

    public LatencyEstimateTests() => _estimate = new(_time);

    [Fact]
    public void There_is_no_limit_below_the_minimum_number_of_samples()
    {
        Observe(LatencyEstimate.MinimumSamples - 1, Ms(100));
        Assert.Null(_estimate.Limit);

        Observe(1, Ms(100));
        Assert.NotNull(_estimate.Limit);
    }

    [Fact]
    public void A_steady_source_gets_about_twice_its_latency_estimate()
    {
        Observe(40, Ms(800));

        Assert.InRange(_estimate.Limit!.Value, Ms(1600), Ms(1610));
    }

    [Fact]
    public void A_source_with_varying_latency_gets_more_than_a_steady_one()
    {
        foreach (var _ in Enumerable.Range(0, 20))
        {
            Observe(1, Ms(400));
            Observe(1, Ms(1200));
        }

        Assert.InRange(_estimate.Limit!.Value, Ms(2800), Ms(3600));
    }

    [Fact]
    public void A_fast_source_gets_the_minimum_limit()
    {
        Observe(40, Ms(2));

        Assert.Equal(LatencyEstimate.MinimumLimit, _estimate.Limit);
    }

    [Fact]
    public void An_estimate_that_reaches_its_maximum_age_starts_again()
    {
        Observe(40, Ms(100));

        _time.Advance(LatencyEstimate.MaximumAge);
        Assert.Null(_estimate.Limit);

        Observe(LatencyEstimate.MinimumSamples, Ms(900));
        Assert.InRange(_estimate.Limit!.Value, Ms(1800), Ms(2600));
    }

    [Theory]
    [InlineData(100, null, 2500)]
    [InlineData(100, 300, 200)]
    [InlineData(100, 9000, 2500)]
    [InlineData(400, 300, 0)]
    [InlineData(5000, null, 1000)]
    [InlineData(7000, null, 0)]
    public void The_other_source_gets_at_most_its_latency_limit_and_the_time_that_the_turn_has_left(
        int takenMs, int? limitMs, int remainingMs)
    {
        var remaining = SearchProductsHandler.Remaining(Ms(takenMs), limitMs is { } limit ? Ms(limit) : null, TurnWait);

        Assert.Equal(Ms(remainingMs), remaining);
    }

    private static TimeSpan Ms(int ms) => TimeSpan.FromMilliseconds(ms);

    private void Observe(int times, TimeSpan taken)
    {
        for (var i = 0; i < times; i++)
        {
            _estimate.Observe(taken);
        }
    }
}
