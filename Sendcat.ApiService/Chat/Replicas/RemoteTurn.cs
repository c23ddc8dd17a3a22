using System.Text.Json;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Follows turns that run on other replicas: reads a turn's mirror from the first event on, when the mirror publishes a notification and at
/// least once a second. All readers of a turn on this replica share one copy of it. A copy never skips an event: when it cannot continue
/// without a gap, its readers get an error.
/// </summary>
internal sealed class RemoteTurn(
    IConnectionMultiplexer redis, MirrorStore store, TurnSignals signals, TimeProvider time, StoreOutages outages,
    ILogger<RemoteTurn> logger)
{
    /// <summary>
    /// A turn whose mirror has been missing for this long has no replica any more. A mirror that Redis lost is written again within
    /// milliseconds after the next request, unless its replica or Redis is not available.
    /// </summary>
    public static readonly TimeSpan MaxAbsence = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstEventTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MirrorRequestInterval = TurnMirrors.ReaderTimeout / 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, RemoteFeed> _feeds = [];

    /// <returns>
    /// A reader of a feed that grows until the turn ends, to be disposed by the caller; null if the mirror delivers no event within 5 s,
    /// which means that no turn runs; an error if the turn has <see cref="LiveTurn.MaxReaders"/> here already.
    /// </returns>
    public async Task<Outcome<RemoteReader>?> FollowAsync(TurnLocation location, CancellationToken cancellationToken)
    {
        if (Join(location) is not { } feed)
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
    private RemoteFeed? Join(TurnLocation location)
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
            _ = CopyAsync(feed);
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

    private async Task CopyAsync(RemoteFeed feed)
    {
        var channel = RedisChannel.Literal(RedisKeys.TurnMirrorChanged(feed.StreamId));
        ChannelMessageQueue? queue = null;
        try
        {
            queue = await redis.GetSubscriber().SubscribeAsync(channel);
            queue.OnMessage(_ => feed.Notify());
            await CopyEventsAsync(feed);
        }
        catch (Exception failure) when (RedisFailure.Is(failure) || failure is JsonException or FormatException)
        {
            if (!outages.Redis.Records("Mirror of a turn", failure))
            {
                logger.MirrorFailed(feed.StreamId, failure.GetType().Name);
            }

            feed.Fail(FollowFailed());
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

    /// <summary>Copies until the last event or until the feed is disposed. Tolerates a missing mirror for a limited time.</summary>
    private async Task CopyEventsAsync(RemoteFeed feed)
    {
        var after = MirrorStore.Start;
        var existedAt = time.GetTimestamp();
        long? requestedAt = null;
        while (!feed.Disposed.IsCancellationRequested)
        {
            var (entries, exists) = await ReadAsync(feed.StreamId, after);
            foreach (var entry in entries)
            {
                if (!feed.TryAdd(entry))
                {
                    logger.MirrorGap(feed.StreamId, entry.Id);
                    ChatMetrics.MirrorGap();
                    feed.Fail(FollowFailed());
                    return;
                }

                if (entry.Event is ChatEvent.Done or ChatEvent.Error or ChatEvent.Aborted)
                {
                    return;
                }

                after = entry.Id;
            }

            feed.Feed.Notify();
            existedAt = exists ? time.GetTimestamp() : existedAt;
            if (time.GetElapsedTime(existedAt) >= MaxAbsence)
            {
                logger.MirrorMissing(feed.StreamId);
                feed.Fail(FollowFailed());
                return;
            }

            // Signals are delivered at most once: while the mirror is missing, the request is repeated with every poll.
            if (requestedAt is not { } last || !exists || time.GetElapsedTime(last) >= MirrorRequestInterval)
            {
                requestedAt = time.GetTimestamp();
                await signals.RequestMirrorAsync(feed.StreamId);
            }

            if (entries.Count < MirrorStore.MaxBatch)
            {
                await feed.WaitAsync(PollInterval);
            }
        }
    }

    /// <returns>No entries and no mirror while Redis is unavailable.</returns>
    private async Task<(IReadOnlyList<MirrorEntry> Entries, bool Exists)> ReadAsync(Guid streamId, string after)
    {
        try
        {
            return await store.ReadAsync(streamId, after);
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            return ([], false);
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
}
