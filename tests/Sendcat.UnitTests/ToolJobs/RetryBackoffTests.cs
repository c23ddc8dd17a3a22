using CsCheck;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class RetryBackoffTests
{
    [Theory]
    [InlineData(1, 1_000)]
    [InlineData(2, 2_000)]
    [InlineData(4, 8_000)]
    [InlineData(7, 60_000)]
    [InlineData(60, 60_000)]
    public void The_delay_doubles_up_to_one_minute(int attempts, int expectedMs) =>
        Assert.Equal(TimeSpan.FromMilliseconds(expectedMs), RetryBackoff.After(attempts, TimeSpan.FromSeconds(1), random: 0));

    [Fact]
    public void Jitter_lengthens_the_delay_by_at_most_a_quarter() =>
        Gen.Select(Gen.Int[1, 100], Gen.Int[100, 60_000], Gen.Double[0, 1]).Sample((attempts, baseMs, jitter) =>
        {
            var first = TimeSpan.FromMilliseconds(baseMs);
            var plain = RetryBackoff.After(attempts, first, 0);
            Assert.InRange(RetryBackoff.After(attempts, first, jitter), plain, plain * 1.25);
        });

    [Theory]
    [InlineData(null, 2, 2)]
    [InlineData(0, 2, 1)]
    [InlineData(9, 2, 6)]
    [InlineData(9, 8, 8)]
    public void Attempts_are_between_one_and_the_larger_of_six_and_the_configured_number(int? wanted, int configured, int expected) =>
        Assert.Equal(expected, RetryBackoff.Attempts(wanted, configured));
}
