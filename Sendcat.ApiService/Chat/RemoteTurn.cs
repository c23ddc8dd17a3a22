using System.Text.Json;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Follows a turn that runs on another replica: reads the Redis list of its mirror from the first entry on, when the mirror publishes a
/// notification and at least once a second.
/// </summary>
internal sealed class RemoteTurn(IConnectionMultiplexer redis, TurnDirectory directory, TurnSignals signals, TimeProvider time, ILogger<RemoteTurn> logger)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstEventTimeout = TimeSpan.FromSeconds(2);

    /// <returns>
    /// A feed that grows until the turn ends, to be disposed by the caller; null if the mirror delivers no event within 2 s, which means
    /// that no turn runs.
    /// </returns>
    public async Task<RemoteFeed?> FollowAsync(Guid threadId, TurnLocation location, CancellationToken cancellationToken)
    {
        var feed = new RemoteFeed();
        var channel = RedisChannel.Literal(RedisKeys.TurnFeedChanged(location.StreamId));
        var running = CopyAsync(threadId, location, channel, feed);
        feed.Running = running;
        using var timeout = new CancellationTokenSource(FirstEventTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await Task.WhenAny(feed.FirstEvent, running, Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token));
        if (feed.FirstEvent.IsCompletedSuccessfully)
        {
            return feed;
        }

        feed.Dispose();
        return null;
    }

    private async Task CopyAsync(Guid threadId, TurnLocation location, RedisChannel channel, RemoteFeed feed)
    {
        var key = RedisKeys.TurnFeed(location.StreamId);
        var database = redis.GetDatabase();
        ChannelMessageQueue? queue = null;
        try
        {
            queue = await redis.GetSubscriber().SubscribeAsync(channel);
            queue.OnMessage(_ => feed.Notify());
            var next = 0L;
            var idleRounds = 0;
            while (!feed.Disposed.IsCancellationRequested)
            {
                // In the first round, then after every five rounds without events.
                if (idleRounds % 5 == 0)
                {
                    await signals.RequestMirrorAsync(location.StreamId);
                }

                var fresh = await database.ListRangeAsync(key, next);
                foreach (var entry in fresh)
                {
                    var chatEvent = JsonSerializer.Deserialize((string)entry!, ChatEventJson.Default.ChatEvent)!;
                    feed.Add(chatEvent);
                    if (chatEvent is ChatEvent.Done or ChatEvent.Error or ChatEvent.Aborted)
                    {
                        return;
                    }
                }

                feed.Feed.Notify();
                next += fresh.Length;
                idleRounds = fresh.Length > 0 && idleRounds > 0 ? 1 : idleRounds + 1;
                if (idleRounds > 3 && (await directory.FindAsync(threadId))?.StreamId != location.StreamId)
                {
                    feed.Add(FollowFailed());
                    return;
                }

                await feed.WaitAsync(PollInterval, time);
            }
        }
        catch (Exception failure) when (RedisFailure.Is(failure) || failure is JsonException)
        {
            logger.MirrorFailed(location.StreamId, failure.GetType().Name);
            feed.Add(FollowFailed());
        }
        finally
        {
            feed.Feed.Complete();
            if (queue is not null)
            {
                await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
            }
        }
    }

    private static ChatEvent.Error FollowFailed() => new(
        "upstream_unavailable", "The answer cannot be followed from here any longer. Reload the conversation.", true, 1000, null, null);

    /// <summary>The local copy of a remote turn's feed, and the task that fills it. Disposing it ends the task.</summary>
    internal sealed class RemoteFeed : IDisposable
    {
        private readonly CancellationTokenSource disposed = new();
        private readonly SemaphoreSlim notified = new(0, 1);
        private readonly TaskCompletionSource firstEvent = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TurnFeed Feed { get; } = new();

        /// <summary>Completes with the turn's first event.</summary>
        public Task FirstEvent => firstEvent.Task;

        public CancellationToken Disposed => disposed.Token;

        public Task? Running { get; set; }

        public void Add(ChatEvent chatEvent)
        {
            Feed.Add(chatEvent);
            if (chatEvent is ChatEvent.Start)
            {
                firstEvent.TrySetResult();
            }
        }

        public void Notify()
        {
            if (notified.CurrentCount == 0)
            {
                try
                {
                    notified.Release();
                }
                catch (SemaphoreFullException)
                {
                    // Another thread has set the signal at the same moment.
                }
            }
        }

        /// <summary>Completes on a notification, on dispose, and after the timeout.</summary>
        public async Task WaitAsync(TimeSpan maxWait, TimeProvider time)
        {
            using var timeout = new CancellationTokenSource(maxWait, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, disposed.Token);
            try
            {
                await notified.WaitAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                // The caller polls, or finds that the feed is disposed.
            }
        }

        public void Dispose()
        {
            disposed.Cancel();
        }
    }
}
