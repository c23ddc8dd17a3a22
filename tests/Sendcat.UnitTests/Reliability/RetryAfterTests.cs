using CsCheck;
using Sendcat.Reliability.Admission;

namespace Sendcat.UnitTests.Reliability;

public sealed class RetryAfterTests
{
    [Theory]
    [InlineData(0, 800)]
    [InlineData(0.5, 1_000)]
    [InlineData(1, 1_200)]
    public void It_moves_by_the_jitter_to_either_side(double dice, int milliseconds) =>
        Assert.Equal(milliseconds, RetryAfter.Jittered(1_000, 20, dice).TotalMilliseconds);

    [Fact]
    public void It_stays_between_a_tenth_of_a_second_and_a_minute() =>
        Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 90], Gen.Double[0, 1]).Sample((ms, jitter, dice) => RetryAfter.Jittered(ms, jitter, dice).TotalMilliseconds is >= 100 and <= 60_000);
}
