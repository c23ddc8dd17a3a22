using System.Text.Json;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Follows turns that run on other replicas: reads the Redis list of a turn's mirror from the first entry on, when the mirror publishes a
/// notification and at least once a second. All readers of a turn on this replica share one copy of it.
/// </summary>
internal sealed class RemoteTurn(
    IConnectionMultiplexer redis, TurnDirectory directory, TurnSignals signals, TimeProvider time, ILogger<RemoteTurn> logger)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstEventTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MirrorRequestInterval = TurnMirrors.ReaderTimeout / 3;

    /// <summary>Polls without an event after which the directory is asked whether the turn still runs.</summary>
    private const int MaxIdlePolls = 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, RemoteFeed> _feeds = [];

    /// <returns>
    /// A reader of a feed that grows until the turn ends, to be disposed by the caller; null if the mirror delivers no event within 5 s,
    /// which means that no turn runs; an error if the turn has <see cref="LiveTurn.MaxReaders"/> here already.
    /// </returns>
    public async Task<Outcome<RemoteReader>?> FollowAsync(Guid threadId, TurnLocation location, CancellationToken cancellationToken)
    {
        if (Join(threadId, location) is not { } feed)
        {
            return (Outcome<RemoteReader>)LiveTurn.TooManyReaders();
        }

        var reader = new RemoteReader(this, feed);
        using var timeout = new CancellationTokenSource(FirstEventTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await Task.WhenAny(feed.FirstEvent, feed.Ended, Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token));
        if (feed.FirstEvent.IsCompletedSuccessfully)
        {
            return (Outcome<RemoteReader>)reader;
        }

        reader.Dispose();
        return null;
    }

    /// <returns>Null if the turn has as many readers as it may have.</returns>
    private RemoteFeed? Join(Guid threadId, TurnLocation location)
    {
        var fresh = new RemoteFeed(location.StreamId, time);
        RemoteFeed feed;
        lock (_gate)
        {
            feed = _feeds.GetValueOrDefault(location.StreamId, fresh);
            if (feed.Readers >= LiveTurn.MaxReaders)
            {
                return null;
            }

            _feeds[location.StreamId] = feed;
            feed.Readers++;
        }

        if (feed == fresh)
        {
            // Ends with the turn, or when its last reader disposes the feed.
            _ = CopyAsync(threadId, location, feed);
        }

        return feed;
    }

    private void Leave(RemoteFeed feed)
    {
        lock (_gate)
        {
            if (--feed.Readers > 0)
            {
                return;
            }

            Remove(feed);
        }

        feed.Dispose();
    }

    /// <summary>A reader that comes later gets a copy of its own. Call it with the lock held.</summary>
    private void Remove(RemoteFeed feed)
    {
        if (_feeds.GetValueOrDefault(feed.StreamId) == feed)
        {
            _feeds.Remove(feed.StreamId);
        }
    }

    private async Task CopyAsync(Guid threadId, TurnLocation location, RemoteFeed feed)
    {
        var key = RedisKeys.TurnFeed(location.StreamId);
        var channel = RedisChannel.Literal(RedisKeys.TurnFeedChanged(location.StreamId));
        var database = redis.GetDatabase();
        ChannelMessageQueue? queue = null;
        try
        {
            queue = await redis.GetSubscriber().SubscribeAsync(channel);
            queue.OnMessage(_ => feed.Notify());
            var next = 0L;
            var idlePolls = 0;
            long? requestedAt = null;
            while (!feed.Disposed.IsCancellationRequested)
            {
                // Signals are delivered at most once: until the first event the request is repeated with every poll.
                if (requestedAt is not { } last || next == 0 || time.GetElapsedTime(last) >= MirrorRequestInterval)
                {
                    requestedAt = time.GetTimestamp();
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
                idlePolls = fresh.Length > 0 ? 0 : idlePolls + 1;
                if (idlePolls > MaxIdlePolls && (await directory.FindAsync(threadId))?.StreamId != location.StreamId)
                {
                    feed.Add(FollowFailed());
                    return;
                }

                await feed.WaitAsync(PollInterval);
            }
        }
        catch (Exception failure) when (RedisFailure.Is(failure) || failure is JsonException)
        {
            logger.MirrorFailed(location.StreamId, failure.GetType().Name);
            feed.Add(FollowFailed());
        }
        finally
        {
            lock (_gate)
            {
                Remove(feed);
            }

            feed.Complete();
            if (queue is not null)
            {
                await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
            }
        }
    }

    private static ChatEvent.Error FollowFailed() => new(
        "upstream_unavailable", "The answer cannot be followed from here any longer. Reload the conversation.", true, 1000, null, null);

    /// <summary>One reader of a remote turn. Dispose it once; the copy ends with its last reader.</summary>
    internal sealed class RemoteReader(RemoteTurn turns, RemoteFeed feed) : IDisposable
    {
        public TurnFeed Feed => feed.Feed;

        public void Dispose() => turns.Leave(feed);
    }

    /// <summary>The local copy of a remote turn's feed, and the task that fills it. Disposing it ends the task.</summary>
    internal sealed class RemoteFeed(Guid streamId, TimeProvider time) : IDisposable
    {
        private readonly CancellationTokenSource _disposed = new();
        private readonly AutoResetSignal _notified = new(time);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _firstEvent = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Guid StreamId => streamId;

        public TurnFeed Feed { get; } = new();

        /// <summary>Completes with the turn's first event.</summary>
        public Task FirstEvent => _firstEvent.Task;

        public CancellationToken Disposed => _disposed.Token;

        /// <summary>Completes when nothing more is copied.</summary>
        public Task Ended => _ended.Task;

        /// <summary>Guarded by the lock of <see cref="RemoteTurn"/>.</summary>
        public int Readers { get; set; }

        public void Add(ChatEvent chatEvent)
        {
            Feed.Add(chatEvent);
            if (chatEvent is ChatEvent.Start)
            {
                _firstEvent.TrySetResult();
            }
        }

        public void Complete()
        {
            Feed.Complete();
            _ended.TrySetResult();
        }

        public void Notify() => _notified.Set();

        /// <summary>Completes on a notification, on dispose, and after the timeout.</summary>
        public async Task WaitAsync(TimeSpan maxWait)
        {
            try
            {
                await _notified.WaitAsync(maxWait, _disposed.Token);
            }
            catch (OperationCanceledException)
            {
                // The caller finds that the feed is disposed.
            }
        }

        public void Dispose()
        {
            _disposed.Cancel();
        }
    }
}
