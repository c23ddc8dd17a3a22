using Sendcat.Reliability.Timing;

namespace Sendcat.UnitTests.Reliability;

public sealed class BackoffTests
{
    private static readonly Backoff Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)) { Jitter = 0.25 };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(6, 32)]
    [InlineData(7, 60)]
    [InlineData(int.MaxValue, 60)]
    public void A_delay_doubles_with_each_failure_up_to_the_maximum(int failures, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Backoff.After(failures));

    [Theory]
    [InlineData(1, 0.5, 1.125)]
    [InlineData(3, 1, 5)]
    [InlineData(40, 1, 75)]
    public void Jitter_lengthens_a_delay_by_a_share_of_it(int failures, double random, double seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), Backoff.After(failures, random));
        Assert.InRange(Backoff.After(failures, random), Backoff.First, Backoff.Longest);
    }
}
