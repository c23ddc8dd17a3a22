using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Http;

namespace Sendcat.UnitTests.Http;

public sealed class RefusedOriginsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<RefusedOrigins> _logger = new();

    [Fact]
    public void Each_refused_origin_is_one_line_an_hour()
    {
        var origins = new RefusedOrigins(_time, _logger);
        origins.Report("https://shop.example");
        origins.Report("https://shop.example");
        origins.Report("https://other.example");
        _time.Advance(TimeSpan.FromHours(1));
        origins.Report("https://shop.example");

        Assert.Equal(
            ["https://shop.example", "https://other.example", "https://shop.example"],
            _logger.Collector.GetSnapshot().Select(line => line.GetStructuredStateValue("Origin")));
    }

    [Fact]
    public void A_caller_that_invents_origins_does_not_flood_the_log()
    {
        var origins = new RefusedOrigins(_time, _logger);
        for (var n = 0; n < 10_000; n++)
        {
            origins.Report($"https://{n}.{new string('x', 5_000)}");
        }

        var lines = _logger.Collector.GetSnapshot();
        Assert.Equal(RefusedOrigins.MaxNames + 1, lines.Count);
        Assert.All(lines, line => Assert.InRange(line.Message.Length, 1, 300));
        Assert.StartsWith("Further refused origins", lines[^1].Message, StringComparison.Ordinal);
    }
}
