using Sendcat.Reliability.Outbound;

namespace Sendcat.UnitTests.Reliability;

public sealed class RetryAfterHeaderTests
{
    [Theory]
    [InlineData("5", 5)]
    [InlineData("Thu, 26 Nov 2026 12:00:30 GMT", 30)]
    [InlineData("Thu, 26 Nov 2026 11:59:00 GMT", null)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("soon", null)]
    [InlineData(null, null)]
    public void Seconds_and_dates_in_the_future_are_read(string? value, int? seconds)
    {
        using var response = new HttpResponseMessage();
        response.Headers.TryAddWithoutValidation("Retry-After", value is null ? [] : [value]);

        var wait = RetryAfterHeader.Read(response.Headers, new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

        Assert.Equal(seconds, (int?)wait?.TotalSeconds);
    }
}
