using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Providers;

/// <summary>Which turns leave a drained route.</summary>
public sealed class RouteDrainTests
{
    [Fact]
    public void Turns_spread_evenly_over_the_shares_and_each_keeps_its_own()
    {
        var now = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
        Guid[] turns = [.. Enumerable.Range(0, 10_000).Select(n => Guid.CreateVersion7(now.AddMilliseconds(n)))];

        Assert.All(turns, turn => Assert.InRange(RouteDrain.Share(turn), 0, 99));
        Assert.InRange(turns.Count(turn => RouteDrain.Share(turn) < 25), 2_200, 2_800);
        Assert.Equal(RouteDrain.Share(turns[0]), RouteDrain.Share(turns[0]));
    }
}
