using Sendcat.ApiService.Http;

namespace Sendcat.UnitTests.Http;

public sealed class ApiErrorTests
{
    [Theory]
    [InlineData(0.2, "Too many requests. Try again in 1 second.")]
    [InlineData(1.5, "Too many requests. Try again in 2 seconds.")]
    public void The_text_of_a_refused_rate_says_the_time_in_whole_seconds(double seconds, string text) =>
        Assert.Equal(text, ApiError.RateLimited(TimeSpan.FromSeconds(seconds), "any").Message);
}
