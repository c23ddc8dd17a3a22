using Sendcat.Reliability.Outbound;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class UpstreamPolicyTests
{
    [Theory]
    [InlineData(0, 250)]
    [InlineData(1, 500)]
    [InlineData(5, 2_000)]
    public void The_pause_doubles_up_to_two_seconds(int attempt, int expectedMs) => Assert.Equal(TimeSpan.FromMilliseconds(expectedMs), UpstreamPolicy.Pause(attempt, retryAfter: null, jitter: 0));

    [Fact]
    public void An_upstream_that_asks_for_a_moment_gets_it_and_one_that_asks_for_long_is_left_alone()
    {
        Assert.Equal(TimeSpan.FromSeconds(1), UpstreamPolicy.Pause(0, TimeSpan.FromSeconds(1), jitter: 0));
        Assert.Equal(TimeSpan.FromMilliseconds(250), UpstreamPolicy.Pause(0, TimeSpan.FromSeconds(-5), jitter: 0));
        Assert.Null(UpstreamPolicy.Pause(0, TimeSpan.FromSeconds(60), jitter: 0));
        Assert.True(UpstreamPolicy.ExceedsMaxPause(TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [InlineData(429, true)]
    [InlineData(503, true)]
    [InlineData(400, false)]
    [InlineData(501, false)]
    public void Only_some_answers_are_asked_for_again(int status, bool expected) => Assert.Equal(expected, UpstreamPolicy.MayRetry(status));
}
