using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;

namespace Sendcat.UnitTests.Providers;

/// <summary>When a failed model call is retried on its route.</summary>
public sealed class ProviderRetryTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData("Sun, 01 Mar 2026 12:00:30 GMT", 30_000)]
    [InlineData("Sun, 01 Mar 2026 11:00:00 GMT", null)]
    [InlineData("0", null)]
    [InlineData("-3", null)]
    [InlineData("soon", null)]
    public async Task Retry_after_may_be_a_date_and_is_ignored_when_it_is_past_or_invalid(string header, int? expected)
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        _provider.Refuses(429, header);

        var (_, failure) = await _provider.RunAsync();

        Assert.Equal(expected, failure!.Error.RetryAfterMs);
    }

    [Fact]
    public async Task Retries_back_off_with_growing_delays_before_failover()
    {
        _provider.Knobs.PrimaryRetries = 2;
        _provider.Refuses(500).Refuses(500).Refuses(500).RespondsWith(Text("b"), Finish("stop"), Done);

        var run = _provider.RunAsync();
        Assert.Single(_provider.Requests);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.Single(_provider.Requests);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(27));
        Assert.Equal(2, _provider.Requests.Count);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.Equal(2, _provider.Requests.Count);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(65));

        var (events, failure) = await run;
        Assert.Null(failure);
        Assert.Equal(4, _provider.Requests.Count);
        Assert.Equal("secondary", Assert.Single(events.OfType<ProviderEvent.RouteChosen>()).RouteId);
    }

    [Fact]
    public async Task A_retry_honours_retry_after_and_a_long_delay_fails_over_at_once()
    {
        _provider.Knobs.PrimaryRetries = 2;
        _provider.Refuses(429, "1").Refuses(429, "60").RespondsWith(Text("b"), Finish("stop"), Done);

        var run = _provider.RunAsync();
        _provider.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Single(_provider.Requests);
        _provider.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Null((await run).Failure);
        Assert.Equal(3, _provider.Requests.Count);
    }
}
