using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Word between processes, by Redis pub/sub: jobs that are over (for their waiters, and for workers whose lane was full) and jobs that were cancelled (for the worker
/// that has them). Word may be lost; the record is what counts.
/// </summary>
public sealed class ToolJobSignals(IConnectionMultiplexer redis, TimeProvider time, ILogger<ToolJobSignals> logger) : BackgroundService
{
    private static readonly TimeSpan SubscribeAgain = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Action<ToolLane, IReadOnlyList<Guid>>, byte> _onFinished = [];
    private readonly ConcurrentDictionary<Action<Guid>, byte> _onCancelled = [];
    private volatile bool _subscribed;

    /// <summary>False: word does not arrive at present, so look for yourself.</summary>
    public bool IsUp => _subscribed && redis.IsConnected;

    /// <param name="handler">Quick, and throws nothing.</param>
    public IDisposable OnFinished(Action<ToolLane, IReadOnlyList<Guid>> handler) => Add(_onFinished, handler);

    /// <inheritdoc cref="OnFinished"/>
    public IDisposable OnCancelled(Action<Guid> handler) => Add(_onCancelled, handler);

    internal void Finished(IEnumerable<(ToolLane Lane, Guid Id)> jobs)
    {
        foreach (var lane in jobs.GroupBy(job => job.Lane, job => job.Id))
        {
            Tell("signal finished jobs", RedisKeys.ToolJobsFinished, $"{lane.Key} {string.Join(' ', lane)}");
        }
    }

    internal void Cancelled(Guid job) => Tell("signal cancelled job", RedisKeys.ToolJobsCancelled, job.ToString());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_subscribed)
        {
            try
            {
                var subscriber = redis.GetSubscriber();
                await subscriber.SubscribeAsync(RedisKeys.ToolJobsFinished, (_, word) => HearFinished(word));
                await subscriber.SubscribeAsync(RedisKeys.ToolJobsCancelled, (_, word) => HearCancelled(word));
                _subscribed = true;
            }
            catch (Exception exception) when (RedisFailure.Is(exception))
            {
                logger.SignalsAway(exception.Message);
                await Task.Delay(SubscribeAgain, time, stoppingToken);
            }
        }
    }

    private void Tell(string name, RedisChannel channel, string word)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        using var span = RedisSpan.Start(name, "PUBLISH");
        try
        {
            redis.GetSubscriber().Publish(channel, word, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // It went away in between. What the word is about is on record, and who waits for it looks.
        }
    }

    private void HearFinished(RedisValue word)
    {
        var parts = word.ToString().Split(' ');
        if (ToolLane.TryFind(parts[0], out var lane))
        {
            var jobs = new List<Guid>(parts.Length - 1);
            foreach (var part in parts.AsSpan(1))
            {
                if (Guid.TryParse(part, out var job))
                {
                    jobs.Add(job);
                }
            }

            foreach (var handler in _onFinished.Keys)
            {
                handler(lane, jobs);
            }
        }
    }

    private void HearCancelled(RedisValue word)
    {
        if (Guid.TryParse(word.ToString(), out var job))
        {
            foreach (var handler in _onCancelled.Keys)
            {
                handler(job);
            }
        }
    }

    private static Handing<T> Add<T>(ConcurrentDictionary<T, byte> handlers, T handler)
        where T : Delegate
    {
        handlers[handler] = 0;
        return new(handlers, handler);
    }

    private sealed class Handing<T>(ConcurrentDictionary<T, byte> handlers, T handler) : IDisposable
        where T : Delegate
    {
        public void Dispose() => handlers.TryRemove(handler, out _);
    }
}
