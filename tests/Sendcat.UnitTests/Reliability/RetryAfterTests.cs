using CsCheck;
using Sendcat.Reliability.Admission;

namespace Sendcat.UnitTests.Reliability;

public sealed class RetryAfterTests
{
    [Theory]
    [InlineData(0, 800)]
    [InlineData(0.5, 1_000)]
    [InlineData(1, 1_200)]
    public void Jitter_shifts_the_delay_in_both_directions(double dice, int milliseconds) =>
        Assert.Equal(milliseconds, RetryAfter.Jittered(1_000, 20, dice).TotalMilliseconds);

    [Fact]
    public void The_delay_is_between_100_ms_and_one_minute() =>
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 90], Gen.Double[0, 1])
            .Sample((ms, jitter, dice) => RetryAfter.Jittered(ms, jitter, dice).TotalMilliseconds is >= 100 and <= 60_000);
}
