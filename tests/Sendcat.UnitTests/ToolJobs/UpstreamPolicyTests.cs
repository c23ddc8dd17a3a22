using Sendcat.Reliability.Outbound;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class UpstreamPolicyTests
{
    [Theory]
    [InlineData(0, 250)]
    [InlineData(1, 500)]
    [InlineData(5, 2_000)]
    public void The_pause_doubles_up_to_two_seconds(int attempt, int expectedMs) =>
        Assert.Equal(TimeSpan.FromMilliseconds(expectedMs), UpstreamPolicy.Pause(attempt, retryAfter: null, jitter: 0));

    [Fact]
    public void A_short_Retry_After_is_honoured_and_a_long_one_is_not_retried()
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
    public void Only_some_status_codes_are_retried(int status, bool expected) => Assert.Equal(expected, UpstreamPolicy.MayRetry(status));
}
