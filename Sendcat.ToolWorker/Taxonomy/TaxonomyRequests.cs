using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Requests of operators to fetch the categories now, received over Redis pub/sub. A request that arrives during a fetch is served after
/// it.
/// </summary>
internal sealed class TaxonomyRequests(IConnectionMultiplexer redis, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _arrived = new(0, 1);
    private bool _subscribed;

    /// <summary>Waits for a request, at most for <paramref name="timeout"/> or until the host stops.</summary>
    /// <returns>The timestamp of its arrival; null when none came.</returns>
    public async Task<long?> NextAsync(TimeSpan timeout, CancellationToken stoppingToken)
    {
        await SubscribeAsync();
        using var timeoutSource = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, timeoutSource.Token);
        try
        {
            await _arrived.WaitAsync(linked.Token);
            return time.GetTimestamp();
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _arrived.Dispose();

    /// <summary>The client subscribes again by itself after a reconnect; while the first attempt fails, the next call repeats it.</summary>
    private async Task SubscribeAsync()
    {
        if (_subscribed)
        {
            return;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.TaxonomyRefreshRequested, (_, _) => Signal());
            _subscribed = true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // Redis is unavailable. Operators get 503 meanwhile.
        }
    }

    private void Signal()
    {
        try
        {
            _arrived.Release();
        }
        catch (SemaphoreFullException)
        {
            // A request is already pending; one fetch serves both.
        }
        catch (ObjectDisposedException)
        {
            // The host has stopped.
        }
    }
}
