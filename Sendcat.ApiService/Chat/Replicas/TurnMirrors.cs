using System.Collections.Concurrent;
using System.Text.Json;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat.Replicas;

/// <summary>
/// Mirrors running turns for readers on other replicas: after the first request for a turn, all its events, from the first to the last, are
/// copied into a Redis list. A turn that no other replica requests is not copied.
/// </summary>
internal sealed class TurnMirrors(IConnectionMultiplexer redis, TimeProvider time, ILogger<TurnMirrors> logger) : IHostedService
{
    /// <summary>A remote reader counts as connected for this long after its last request.</summary>
    public static readonly TimeSpan ReaderTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Expiry of the Redis list after the last copied event, in addition to <see cref="ReaderTimeout"/>.</summary>
    private static readonly TimeSpan ListTtl = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, Mirror> _mirrors = [];

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Waits for the mirrors to copy their last events. Their turns have ended before, because hosted services stop in reverse order.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_mirrors.Values.Select(mirror => mirror.Running ?? Task.CompletedTask));

    /// <summary>Starts the mirror of a turn, or renews the time for which it counts as read.</summary>
    public void StartOrRenew(LiveTurn turn)
    {
        var mirror = _mirrors.GetOrAdd(turn.Start.StreamId, _ => new Mirror());
        mirror.Renew(time.GetTimestamp());
        lock (mirror)
        {
            mirror.Running ??= CopyAsync(turn, mirror);
        }
    }

    private async Task CopyAsync(LiveTurn turn, Mirror mirror)
    {
        var key = RedisKeys.TurnFeed(turn.Start.StreamId);
        var channel = RedisChannel.Literal(RedisKeys.TurnFeedChanged(turn.Start.StreamId));
        using var reader = turn.Feed.Open();
        LiveTurn.ReaderRegistration? registration = turn.Join();
        await using var timeoutCheck = time.CreateTimer(_ => reader.Ping(), null, ReaderTimeout, ReaderTimeout);
        try
        {
            var database = redis.GetDatabase();
            await database.KeyDeleteAsync(key);
            var batch = new List<RedisValue>();
            while (true)
            {
                FeedRead read;
                while ((read = reader.TryRead(out var chatEvent)) == FeedRead.Event)
                {
                    batch.Add(JsonSerializer.Serialize(chatEvent, ChatEventJson.Default.ChatEvent));
                }

                if (batch.Count > 0)
                {
                    await database.ListRightPushAsync(key, [.. batch]);
                    await database.KeyExpireAsync(key, ListTtl + ReaderTimeout, CommandFlags.FireAndForget);
                    await database.PublishAsync(channel, batch.Count, CommandFlags.FireAndForget);
                    batch.Clear();
                }

                if (read == FeedRead.End)
                {
                    return;
                }

                // Without a recent request the remote readers have left: the turn may then count as detached. Copying continues.
                var hasReaders = time.GetElapsedTime(mirror.RenewedAt) < ReaderTimeout;
                if (hasReaders != registration is not null)
                {
                    registration?.Dispose();
                    registration = hasReaders ? turn.Join() : null;
                }

                reader.TakePing();
                await reader.WaitAsync();
            }
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.MirrorFailed(turn.Start.StreamId, failure.GetType().Name);
        }
        finally
        {
            registration?.Dispose();
            _mirrors.TryRemove(turn.Start.StreamId, out _);
        }
    }

    private sealed class Mirror
    {
        private long _renewedAt;

        public Task? Running { get; set; }

        public long RenewedAt => Volatile.Read(ref _renewedAt);

        public void Renew(long now) => Volatile.Write(ref _renewedAt, now);
    }
}
