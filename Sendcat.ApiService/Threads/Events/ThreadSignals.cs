using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>
/// Signals between replicas that messages or turns of a thread have changed in Postgres. A signal has no content and may be lost: readers
/// also look at intervals. A Redis failure is logged and not thrown.
/// </summary>
internal sealed class ThreadSignals(IConnectionMultiplexer redis, StoreOutages outages, ILogger<ThreadSignals> logger)
{
    /// <summary>Call it after the commit. It does not wait for Redis.</summary>
    public void Changed(Guid threadId)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            // Fire and forget as in StackExchange.Redis: the command is queued on the connection, the task is already complete.
            _ = redis.GetSubscriber().PublishAsync(ChannelOf(threadId), RedisValue.EmptyString, CommandFlags.FireAndForget);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Log(failure);
        }
    }

    /// <summary>Calls <paramref name="onChanged"/> for each signal about the thread until the result is disposed.</summary>
    public async Task<IAsyncDisposable> SubscribeAsync(Guid threadId, Action onChanged)
    {
        var subscription = new Subscription(redis.GetSubscriber(), ChannelOf(threadId), (_, _) => onChanged());
        try
        {
            await subscription.StartAsync();
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            Log(failure);
        }

        return subscription;
    }

    private void Log(Exception failure)
    {
        if (!outages.Redis.Records("Signals of threads", failure))
        {
            logger.SignalFailed(failure.GetType().Name);
        }
    }

    private static RedisChannel ChannelOf(Guid threadId) => RedisChannel.Literal(RedisKeys.ThreadChanged(threadId));

    private sealed class Subscription(
        ISubscriber subscriber, RedisChannel channel, Action<RedisChannel, RedisValue> handler) : IAsyncDisposable
    {
        public Task StartAsync() => subscriber.SubscribeAsync(channel, handler);

        public async ValueTask DisposeAsync() => await subscriber.UnsubscribeAsync(channel, handler, CommandFlags.FireAndForget);
    }
}
