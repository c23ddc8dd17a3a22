using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Tracing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Knobs;

/// <summary>Keeps this process's overrides equal to the table: on a signal at once, otherwise every <see cref="Period"/>, with Redis or without.</summary>
internal sealed class KnobOverrideWatch(KnobOverrides overrides, NpgsqlDataSource database, IConnectionMultiplexer redis, TimeProvider time, ILogger<KnobOverrideWatch> logger)
    : BackgroundService
{
    /// <summary>Leaves room for the read itself within the promised five seconds.</summary>
    internal static readonly TimeSpan Period = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly SemaphoreSlim _signalled = new(0, 1);
    private bool _failing;

    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
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
                BackgroundRound.Did("apply knob overrides", began, ("sendcat.knobs.count", values.Count));
            }

            _failing = false;
        }
        finally
        {
            _one.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var subscribed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            subscribed = subscribed || await SubscribeAsync();
            await TryRefreshAsync(stoppingToken);
            await WaitAsync(stoppingToken);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _one.Dispose();
        _signalled.Dispose();
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        using var period = new CancellationTokenSource(Period, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, period.Token);
        try
        {
            await _signalled.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The period is over, or the host stops: the loop knows which.
        }
    }

    private async Task TryRefreshAsync(CancellationToken stoppingToken)
    {
        try
        {
            await RefreshAsync(stoppingToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // Before the first migration, or while Postgres is away, what was read last holds. Said once.
            if (!_failing && !stoppingToken.IsCancellationRequested)
            {
                _failing = true;
                logger.OverridesUnread(exception.Message);
            }
        }
    }

    /// <summary>The client subscribes anew by itself after a reconnect.</summary>
    private async Task<bool> SubscribeAsync()
    {
        if (!redis.IsConnected)
        {
            return false;
        }

        try
        {
            await redis.GetSubscriber().SubscribeAsync(RedisKeys.KnobsChanged, (_, _) => Signal());
            return true;
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }

    private void Signal()
    {
        try
        {
            _signalled.Release();
        }
        catch (SemaphoreFullException)
        {
            // One pending signal is as good as many.
        }
        catch (ObjectDisposedException)
        {
            // The host has stopped.
        }
    }
}
