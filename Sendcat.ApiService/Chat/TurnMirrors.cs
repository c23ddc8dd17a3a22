using System.Collections.Concurrent;
using System.Text.Json;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Shows running turns to readers on other replicas: from the first request on, the turn's events are copied into a Redis list, from its first event to its last.
/// A turn that nobody asks for costs Redis nothing.
/// </summary>
internal sealed class TurnMirrors(IConnectionMultiplexer redis, TimeProvider time, ILogger<TurnMirrors> logger) : IHostedService
{
    /// <summary>A reader that asked within this time is taken to be there still.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, Mirror> mirrors = [];

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Mirrors end with their turns, and those have ended by now.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(mirrors.Values.Select(mirror => mirror.Running ?? Task.CompletedTask));

    public void Show(LiveTurn turn)
    {
        var mirror = mirrors.GetOrAdd(turn.Start.StreamId, _ => new Mirror());
        mirror.Ask(time.GetTimestamp());
        lock (mirror)
        {
            mirror.Running ??= CopyAsync(turn, mirror);
        }
    }

    private async Task CopyAsync(LiveTurn turn, Mirror mirror)
    {
        var key = RedisKeys.TurnFeed(turn.Start.StreamId);
        var news = RedisChannel.Literal(RedisKeys.TurnFeedNews(turn.Start.StreamId));
        using var reader = turn.Feed.Open();
        LiveTurn.Seat? seat = turn.Join();
        await using var patience = time.CreateTimer(_ => reader.Ping(), null, Patience, Patience);
        try
        {
            var database = redis.GetDatabase();
            await database.KeyDeleteAsync(key);
            var batch = new List<RedisValue>();
            while (true)
            {
                FeedRead read;
                while ((read = reader.TryRead(out var happened)) == FeedRead.Event)
                {
                    batch.Add(JsonSerializer.Serialize(happened, ChatEventJson.Default.ChatEvent));
                }

                if (batch.Count > 0)
                {
                    await database.ListRightPushAsync(key, [.. batch]);
                    await database.KeyExpireAsync(key, Kept + Patience, CommandFlags.FireAndForget);
                    await database.PublishAsync(news, batch.Count, CommandFlags.FireAndForget);
                    batch.Clear();
                }

                if (read == FeedRead.End)
                {
                    return;
                }

                // Readers elsewhere that stopped asking have left; the turn may then count as detached, the copy goes on.
                var there = time.GetElapsedTime(mirror.AskedAt) < Patience;
                if (there != seat is not null)
                {
                    seat?.Dispose();
                    seat = there ? turn.Join() : null;
                }

                reader.TakePing();
                await reader.WaitAsync();
            }
        }
        catch (Exception failure) when (RedisFailure.Is(failure))
        {
            logger.MirrorBroke(turn.Start.StreamId, failure.GetType().Name);
        }
        finally
        {
            seat?.Dispose();
            mirrors.TryRemove(turn.Start.StreamId, out _);
        }
    }

    private sealed class Mirror
    {
        private long askedAt;

        public Task? Running { get; set; }

        public long AskedAt => Volatile.Read(ref askedAt);

        public void Ask(long now) => Volatile.Write(ref askedAt, now);
    }
}
