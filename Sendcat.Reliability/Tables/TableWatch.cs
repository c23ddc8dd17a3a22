using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Tables;

/// <summary>
/// Keeps this process's copy of a small table that operators change through any replica. The table is read at once after a signal over
/// Redis, and every <see cref="Period"/> even without Redis. While Postgres is unavailable the last copy stays in use.
/// </summary>
/// <param name="work">For logs and outages: "Reading of knob overrides".</param>
/// <param name="channel">The channel of the signals.</param>
public abstract class TableWatch(
    string work, RedisChannel channel, IConnectionMultiplexer redis, TimeProvider time, StoreOutages outages, ILogger logger)
    : BackgroundService
{
    /// <summary>Shorter than the five seconds within which a change is in force on all replicas, so that the read fits too.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    /// <summary>Added to a due time: a timer counts whole milliseconds, and must not fire before it.</summary>
    private static readonly TimeSpan Rounding = TimeSpan.FromMilliseconds(1);

    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly AutoResetSignal _signalled = new(time);
    private readonly WorkOutage _outage = new(work, outages.Postgres, logger, time);
    private DateTimeOffset? _due;

    protected TimeProvider Time { get; } = time;

    protected ILogger Log { get; } = logger;

    /// <summary>Reads the table into this process.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres is unavailable.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            await ReadAsync(cancellationToken);
            _outage.Ends();
        }
        finally
        {
            _due = Apply();
            _refreshing.Release();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _refreshing.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads the rows. Reads and <see cref="Apply"/> follow one another.</summary>
    protected abstract Task ReadAsync(CancellationToken cancellationToken);

    /// <summary>Takes the rows of the last read that succeeded into use, as they are at this moment.</summary>
    /// <returns>When they change by themselves; null: not before the next read.</returns>
    protected abstract DateTimeOffset? Apply();

    /// <summary>After a change of the table: this process uses it when the call returns, and the others get the signal.</summary>
    protected async Task ChangedAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        try
        {
            using var span = RedisSpan.Start("signal changed table", "PUBLISH");
            await redis.GetSubscriber().PublishAsync(channel, RedisValue.EmptyString, CommandFlags.FireAndForget);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            if (!outages.Redis.Records(work, exception))
            {
                Log.SignalLost(work, exception.Message);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var subscribed = false;
        await new BackgroundLoop(work, Log, Time).RepeatAsync(
            async cancellationToken =>
            {
                subscribed = subscribed || await SubscribeAsync();
                await TryRefreshAsync(cancellationToken);
                await _signalled.WaitAsync(UntilNextRound(), cancellationToken);
            },
            stoppingToken);
    }

    private TimeSpan UntilNextRound()
    {
        var due = _due is { } at ? at - Time.GetUtcNow() + Rounding : Period;
        return due < TimeSpan.Zero ? TimeSpan.Zero : due < Period ? due : Period;
    }

    private async Task TryRefreshAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RefreshAsync(stoppingToken);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            // Before the first migration, or while Postgres is unavailable. Logged once until a read succeeds.
            if (!stoppingToken.IsCancellationRequested && _outage.Begins(exception))
            {
                Log.TableUnread(work, exception.Message);
            }
        }
    }

    /// <summary>Subscribes to the signals. After a reconnect the Redis client restores the subscription by itself.</summary>
    /// <returns>Whether the subscription exists.</returns>
    private async Task<bool> SubscribeAsync()
    {
        if (!redis.IsConnected)
        {
            return false;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(channel, (_, _) => _signalled.Set());
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }
}
