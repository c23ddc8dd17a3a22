using Microsoft.Extensions.Time.Testing;
using Sendcat.ToolWorker.SearchProducts;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class LatencyEstimateTests
{
    private static readonly TimeSpan TurnWaits = TimeSpan.FromSeconds(8);

    private readonly FakeTimeProvider _time = new();
    private readonly LatencyEstimate _estimate;

    public LatencyEstimateTests() => _estimate = new(_time);

    [Fact]
    public void A_few_answers_do_not_say_what_is_usual()
    {
        Answer(LatencyEstimate.MinimumSamples - 1, Ms(100));
        Assert.Null(_estimate.Limit);

        Answer(1, Ms(100));
        Assert.NotNull(_estimate.Limit);
    }

    [Fact]
    public void A_steady_source_may_take_about_twice_its_usual_time()
    {
        Answer(40, Ms(800));

        Assert.InRange(_estimate.Limit!.Value, Ms(1600), Ms(1610));
    }

    [Fact]
    public void A_source_whose_answers_differ_gets_more_than_a_steady_one()
    {
        foreach (var _ in Enumerable.Range(0, 20))
        {
            Answer(1, Ms(400));
            Answer(1, Ms(1200));
        }

        Assert.InRange(_estimate.Limit!.Value, Ms(2800), Ms(3600));
    }

    [Fact]
    public void However_quick_a_source_is_a_short_pause_is_not_unusual()
    {
        Answer(40, Ms(2));

        Assert.Equal(LatencyEstimate.MinimumLimit, _estimate.Limit);
    }

    [Fact]
    public void A_source_that_has_not_answered_for_a_minute_is_learned_anew()
    {
        Answer(40, Ms(100));

        _time.Advance(LatencyEstimate.MaximumAge);
        Assert.Null(_estimate.Limit);

        Answer(LatencyEstimate.MinimumSamples, Ms(900));
        Assert.InRange(_estimate.Limit!.Value, Ms(1800), Ms(2600));
    }

    [Theory]
    [InlineData(100, null, 2500)]
    [InlineData(100, 300, 200)]
    [InlineData(100, 9000, 2500)]
    [InlineData(400, 300, 0)]
    [InlineData(5000, null, 1000)]
    [InlineData(7000, null, 0)]
    public void The_other_source_gets_its_usual_time_and_not_more_than_the_turn_has(int takenMs, int? usualMs, int restMs)
    {
        var rest = SearchProductsHandler.Remaining(Ms(takenMs), usualMs is { } usual ? Ms(usual) : null, TurnWaits);

        Assert.Equal(Ms(restMs), rest);
    }

    private static TimeSpan Ms(int ms) => TimeSpan.FromMilliseconds(ms);

    private void Answer(int times, TimeSpan taken)
    {
        for (var i = 0; i < times; i++)
        {
            _estimate.Observe(taken);
        }
    }
}
