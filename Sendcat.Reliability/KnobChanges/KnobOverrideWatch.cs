using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.Reliability.KnobChanges;

/// <summary>
/// Refreshes the overrides of this process from the table: at once after a signal, and every <see cref="Period"/> even without Redis.
/// </summary>
internal sealed class KnobOverrideWatch(
    KnobOverrides overrides, NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, StoreOutages outages,
    ILogger<KnobOverrideWatch> logger)
    : BackgroundService
{
    /// <summary>Shorter than the five seconds that <see cref="KnobOverrideStore"/> promises, so that the read fits too.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    private const string Work = "Reading of knob overrides";

    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly AutoResetSignal _signalled = new(time);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            var (began, values) = (time.GetUtcNow(), new Dictionary<string, string>(StringComparer.Ordinal));
            await using var command = database.CreateCommand(
                """
                -- read knob overrides
                SELECT name, value FROM reliability.knob_overrides
                """);
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                values[rows.GetString(0)] = rows.GetString(1);
            }

            if (overrides.Replace(values))
            {
                logger.OverridesChanged(values.Count);
                BackgroundRound.Record("apply knob overrides", began, ("sendcat.knobs.count", values.Count));
            }

            _outage.Ends();
        }
        finally
        {
            _refreshing.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var subscribed = false;
        await new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                subscribed = subscribed || await SubscribeAsync();
                await TryRefreshAsync(cancellationToken);
                await _signalled.WaitAsync(Period, cancellationToken);
            },
            stoppingToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _refreshing.Dispose();
    }

    private async Task TryRefreshAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RefreshAsync(stoppingToken);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            // Before the first migration, or while Postgres is unavailable, the last known overrides stay in use. Logged once until a read
            // succeeds.
            if (!stoppingToken.IsCancellationRequested && _outage.Begins(exception))
            {
                logger.OverridesUnread(exception.Message);
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
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.KnobsChanged, (_, _) => _signalled.Set());
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }
}
