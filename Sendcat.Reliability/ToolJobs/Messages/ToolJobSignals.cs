using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;
using StackExchange.Redis;

namespace Sendcat.Reliability.ToolJobs.Messages;

/// <summary>
/// Signals between processes over Redis pub/sub. A signal reports finished jobs (to the turns that wait for them, and to workers whose lane
/// had reached a running limit) or a cancelled job (to the worker that runs it). A signal may be lost: Postgres is authoritative.
/// </summary>
public sealed class ToolJobSignals(
    LaneCatalog lanes, IConnectionMultiplexer redis, TimeProvider time, StoreOutages outages,
    ILogger<ToolJobSignals> logger) : BackgroundService
{
    private const string Work = "Subscription to tool job signals";

    private static readonly TimeSpan ResubscribeInterval = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Action<ToolLane, IReadOnlyList<Guid>>, byte> _onFinished = [];
    private readonly ConcurrentDictionary<Action<Guid>, byte> _onCancelled = [];
    private readonly WorkOutage _outage = new(Work, outages.Redis, logger, time);
    private volatile bool _subscribed;

    /// <summary>False: signals do not arrive at present, so the caller must poll Postgres.</summary>
    public bool IsUp => _subscribed && redis.IsConnected;

    /// <param name="handler">Must return fast and must not throw.</param>
    /// <returns>Removes the handler when it is disposed.</returns>
    public IDisposable OnFinished(Action<ToolLane, IReadOnlyList<Guid>> handler) => Add(_onFinished, handler);

    /// <inheritdoc cref="OnFinished"/>
    public IDisposable OnCancelled(Action<Guid> handler) => Add(_onCancelled, handler);

    internal void Finished(IEnumerable<(ToolLane Lane, Guid Id)> jobs)
    {
        foreach (var lane in jobs.GroupBy(job => job.Lane, job => job.Id))
        {
            Publish("signal finished jobs", RedisKeys.ToolJobsFinished, $"{lane.Key} {string.Join(' ', lane)}");
        }
    }

    internal void Cancelled(Guid job) => Publish("signal cancelled job", RedisKeys.ToolJobsCancelled, job.ToString());

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await TrySubscribeAsync();

                // After a reconnect the Redis client restores the subscription by itself.
                await Task.Delay(_subscribed ? Timeout.InfiniteTimeSpan : ResubscribeInterval, time, cancellationToken);
            },
            stoppingToken);

    private async Task TrySubscribeAsync()
    {
        try
        {
            var subscriber = redis.GetSubscriber();
            await subscriber.SubscribeAsync(RedisKeys.ToolJobsFinished, (_, message) => ReceiveFinished(message));
            await subscriber.SubscribeAsync(RedisKeys.ToolJobsCancelled, (_, message) => ReceiveCancelled(message));
            _subscribed = true;
            _outage.Ends();
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            if (_outage.Begins(exception))
            {
                logger.SignalsUnavailable(exception.Message);
            }
        }
    }

    private void Publish(string name, RedisChannel channel, string message)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        using var span = RedisSpan.Start(name, "PUBLISH");
        try
        {
            redis.GetSubscriber().Publish(channel, message, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // The connection was lost after the check above. The state of the job is in Postgres, and the receivers poll it.
        }
    }

    private void ReceiveFinished(RedisValue message)
    {
        var parts = message.ToString().Split(' ');
        if (lanes.TryFind(parts[0], out var lane))
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

    private void ReceiveCancelled(RedisValue message)
    {
        if (Guid.TryParse(message.ToString(), out var job))
        {
            foreach (var handler in _onCancelled.Keys)
            {
                handler(job);
            }
        }
    }

    private static Subscription<T> Add<T>(ConcurrentDictionary<T, byte> handlers, T handler)
        where T : Delegate
    {
        handlers[handler] = 0;
        return new(handlers, handler);
    }

    private sealed class Subscription<T>(ConcurrentDictionary<T, byte> handlers, T handler) : IDisposable
        where T : Delegate
    {
        public void Dispose() => handlers.TryRemove(handler, out _);
    }
}
