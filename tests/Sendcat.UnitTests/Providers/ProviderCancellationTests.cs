using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>A cancelled call does not count as a failure of the route. The provider's request is aborted in every phase.</summary>
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
    public async Task Cancellation_before_the_headers_aborts_the_request()
    {
        var cancelled = _provider.HangsBeforeHeaders();
        await using var events = _provider.Router.StreamAsync(Request(), _caller.Token).GetAsyncEnumerator();
        var next = events.MoveNextAsync();

        await _caller.CancelAsync();

        await cancelled;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        AssertNoFailureCounted();
    }

    [Fact]
    public async Task Cancellation_before_the_first_token_closes_the_response()
    {
        var body = _provider.Streams();
        await using var events = _provider.Router.StreamAsync(Request(), _caller.Token).GetAsyncEnumerator();
        await events.MoveNextAsync();
        var next = events.MoveNextAsync();

        await _caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        await body.Closed;
        AssertNoFailureCounted();
    }

    [Fact]
    public async Task Cancellation_between_two_reads_closes_the_response()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("x"));
        await using var events = _provider.Router.StreamAsync(Request(), _caller.Token).GetAsyncEnumerator();
        await events.MoveNextAsync();
        await events.MoveNextAsync();

        await _caller.CancelAsync();

        await body.Closed;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
        AssertNoFailureCounted();
    }

    [Fact]
    public async Task Leaving_the_enumeration_closes_the_response()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("x"));
        await foreach (var providerEvent in _provider.Router.StreamAsync(Request() with { HeldRoute = null }, CancellationToken.None))
        {
            if (providerEvent is ProviderEvent.Text)
            {
                break;
            }
        }

        await body.Closed;
        AssertNoFailureCounted();
    }

    [Fact]
    public async Task Cancellation_during_the_retry_delay_ends_the_call_and_only_the_failed_attempt_counts()
    {
        _provider.Knobs.PrimaryRetries = 1;
        _provider.Refuses(503, "1");
        await using var events = _provider.Router.StreamAsync(Request(), _caller.Token).GetAsyncEnumerator();
        var next = events.MoveNextAsync();
        Assert.Equal(1, _provider.Guards.Circuit("primary").FailureCount);

        await _caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        Assert.Single(_provider.Requests);
        Assert.Equal(1, _provider.Guards.Circuit("primary").FailureCount);
        Assert.Empty(_provider.Guards.HeldSlots);
    }

    [Fact]
    public async Task Cancellation_together_with_a_failure_does_not_fail_over()
    {
        _provider.FailsWith(new HttpRequestException("refused"));
        await _caller.CancelAsync();
        await using var events = _provider.Router.StreamAsync(Request(), _caller.Token).GetAsyncEnumerator();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await events.MoveNextAsync());
        AssertNoFailureCounted();
    }

    private void AssertNoFailureCounted()
    {
        Assert.True(_provider.Requests.Count <= 1);
        Assert.Equal(0, _provider.Guards.Circuit("primary").FailureCount);
        Assert.Empty(_provider.Guards.HeldSlots);
    }
}
