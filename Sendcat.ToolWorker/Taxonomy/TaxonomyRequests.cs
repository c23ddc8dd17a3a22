using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Requests of operators to fetch the categories now, received over Redis pub/sub. A request that arrives during a fetch is served after
/// it.
/// </summary>
internal sealed class TaxonomyRequests(IConnectionMultiplexer redis, TimeProvider time)
{
    private readonly AutoResetSignal _arrived = new(time);
    private bool _subscribed;

    /// <summary>Waits for a request, at most for <paramref name="timeout"/>.</summary>
    /// <returns>The timestamp of its arrival; null when none came.</returns>
    public async Task<long?> NextAsync(TimeSpan timeout, CancellationToken stoppingToken)
    {
        await SubscribeAsync();
        return await _arrived.WaitAsync(timeout, stoppingToken) ? time.GetTimestamp() : null;
    }

    /// <summary>The client subscribes again by itself after a reconnect; while the first attempt fails, the next call repeats it.</summary>
    private async Task SubscribeAsync()
    {
        if (_subscribed)
        {
            return;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.TaxonomyRefreshRequested, (_, _) => _arrived.Set());
            _subscribed = true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // Redis is unavailable. Operators get 503 meanwhile.
        }
    }
}
