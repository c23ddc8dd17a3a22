using System.Text.Json;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>Follows a turn that runs on another replica: the mirror's list from its first entry, woken by the mirror's news.</summary>
internal sealed class RemoteTurn(IConnectionMultiplexer redis, TurnDirectory directory, TurnSignals signals, TimeProvider time, ILogger<RemoteTurn> logger)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(2);

    /// <returns>A feed that grows until the turn ends; null if its owner does not answer, which means that nothing runs.</returns>
    public async Task<Following?> FollowAsync(Guid threadId, TurnPlace place, CancellationToken cancellationToken)
    {
        var following = new Following();
        var news = RedisChannel.Literal(RedisKeys.TurnFeedNews(place.StreamId));
        var running = PumpAsync(threadId, place, news, following);
        following.Running = running;
        using var timeout = new CancellationTokenSource(FirstLook, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await Task.WhenAny(following.FirstEvent, running, Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token));
        if (following.FirstEvent.IsCompletedSuccessfully)
        {
            return following;
        }

        following.Dispose();
        return null;
    }

    private async Task PumpAsync(Guid threadId, TurnPlace place, RedisChannel news, Following following)
    {
        var key = RedisKeys.TurnFeed(place.StreamId);
        var database = redis.GetDatabase();
        ChannelMessageQueue? queue = null;
        try
        {
            queue = await redis.GetSubscriber().SubscribeAsync(news);
            queue.OnMessage(_ => following.Notify());
            var next = 0L;
            var quiet = 0;
            while (!following.Left.IsCancellationRequested)
            {
                if (quiet % 5 == 0)
                {
                    await signals.ShowAsync(place.StreamId);
                }

                var fresh = await database.ListRangeAsync(key, next);
                foreach (var entry in fresh)
                {
                    var happened = JsonSerializer.Deserialize((string)entry!, ChatEventJson.Default.ChatEvent)!;
                    following.Add(happened);
                    if (happened is ChatEvent.Done or ChatEvent.Error or ChatEvent.Aborted)
                    {
                        return;
                    }
                }

                following.Feed.Notify();
                next += fresh.Length;
                quiet = fresh.Length > 0 && quiet > 0 ? 1 : quiet + 1;
                if (quiet > 3 && (await directory.FindAsync(threadId))?.StreamId != place.StreamId)
                {
                    following.Add(Lost());
                    return;
                }

                await following.WaitAsync(Look, time);
            }
        }
        catch (Exception failure) when (RedisFailure.Is(failure) || failure is JsonException)
        {
            logger.MirrorBroke(place.StreamId, failure.GetType().Name);
            following.Add(Lost());
        }
        finally
        {
            following.Feed.Complete();
            if (queue is not null)
            {
                await queue.UnsubscribeAsync(CommandFlags.FireAndForget);
            }
        }
    }

    private static ChatEvent.Error Lost() => new("upstream_unavailable", "The answer cannot be followed from here any longer. Reload the conversation.", true, 1000, null, null);

    /// <summary>A feed and its pump; disposing it lets the pump go.</summary>
    internal sealed class Following : IDisposable
    {
        private readonly CancellationTokenSource left = new();
        private readonly SemaphoreSlim notified = new(0, 1);
        private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TurnFeed Feed { get; } = new();

        public Task FirstEvent => first.Task;

        public CancellationToken Left => left.Token;

        public Task? Running { get; set; }

        public void Add(ChatEvent happened)
        {
            Feed.Add(happened);
            if (happened is ChatEvent.Start)
            {
                first.TrySetResult();
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
                    // Two at once: one is enough.
                }
            }
        }

        public async Task WaitAsync(TimeSpan atMost, TimeProvider time)
        {
            using var look = new CancellationTokenSource(atMost, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(look.Token, left.Token);
            try
            {
                await notified.WaitAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                // Time to look, or to leave.
            }
        }

        public void Dispose()
        {
            left.Cancel();
        }
    }
}
