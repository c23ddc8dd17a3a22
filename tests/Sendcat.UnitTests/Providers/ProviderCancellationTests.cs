using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.Answers;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>A caller who goes away is nobody's failure, and the provider hears of it in every phase.</summary>
public sealed class ProviderCancellationTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();
    private readonly CancellationTokenSource _caller = new();

    public void Dispose()
    {
        _provider.Dispose();
        _caller.Dispose();
    }

    [Fact]
    public async Task Before_the_headers()
    {
        var abandoned = _provider.HangsBeforeHeaders();
        await using var events = _provider.Router.StreamAsync(Turn(), _caller.Token).GetAsyncEnumerator();
        var next = events.MoveNextAsync();

        await _caller.CancelAsync();

        await abandoned;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        NothingCounts();
    }

    [Fact]
    public async Task Before_the_first_token()
    {
        var body = _provider.Streams();
        await using var events = _provider.Router.StreamAsync(Turn(), _caller.Token).GetAsyncEnumerator();
        await events.MoveNextAsync();
        var next = events.MoveNextAsync();

        await _caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        await body.Closed;
        NothingCounts();
    }

    [Fact]
    public async Task While_the_reader_of_the_events_is_busy()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("x"));
        await using var events = _provider.Router.StreamAsync(Turn(), _caller.Token).GetAsyncEnumerator();
        await events.MoveNextAsync();
        await events.MoveNextAsync();

        await _caller.CancelAsync();

        await body.Closed;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
        NothingCounts();
    }

    [Fact]
    public async Task By_leaving_the_enumeration()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("x"));
        await foreach (var providerEvent in _provider.Router.StreamAsync(Turn() with { PrimaryHeld = false }, CancellationToken.None))
        {
            if (providerEvent is ProviderEvent.Text)
            {
                break;
            }
        }

        await body.Closed;
        NothingCounts();
    }

    [Fact]
    public async Task During_the_pause_before_a_retry()
    {
        _provider.Knobs.PrimaryRetries = 1;
        _provider.Refuses(402, "1");
        await using var events = _provider.Router.StreamAsync(Turn(), _caller.Token).GetAsyncEnumerator();
        var next = events.MoveNextAsync();

        await _caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        NothingCounts();
    }

    [Fact]
    public async Task And_when_it_comes_together_with_a_failure_there_is_no_failover()
    {
        _provider.Breaks(new HttpRequestException("refused"));
        await _caller.CancelAsync();
        await using var events = _provider.Router.StreamAsync(Turn(), _caller.Token).GetAsyncEnumerator();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
        NothingCounts();
    }

    private void NothingCounts()
    {
        Assert.True(_provider.Requests.Count <= 1);
        Assert.Equal(0, _provider.Guards.Circuit("primary").FailureCount);
        Assert.Empty(_provider.Guards.Holding);
    }
}
