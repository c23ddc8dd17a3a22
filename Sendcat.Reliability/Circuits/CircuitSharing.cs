using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.Circuits;

/// <summary>Carries openings and closings between the replicas: at once by a signal, and every few seconds in case one was missed or Redis forgot.</summary>
internal sealed class CircuitSharing(GuardedRedis redis, IConnectionMultiplexer connection, TimeProvider time, ILogger<CircuitSharing> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);
    private static readonly RedisScript Share = RedisScript.Embedded("share.lua");

    private readonly SemaphoreSlim _told = new(0, 1);
    private Circuits? _circuits;
    private bool _subscribed;

    public void Serve(Circuits circuits) => _circuits = circuits;

    /// <summary>Something opened or closed here, or another replica said so.</summary>
    public void Tell()
    {
        try
        {
            _told.Release();
        }
        catch (SemaphoreFullException)
        {
            // One round carries everything.
        }
        catch (ObjectDisposedException)
        {
            // The host has stopped.
        }
    }

    /// <summary>One round: each circuit gives what it knows and takes what is newer.</summary>
    internal async Task ExchangeAsync(CancellationToken cancellationToken)
    {
        if (!_subscribed && connection.IsConnected)
        {
            await connection.GetSubscriber().SubscribeAsync(RedisKeys.CircuitsChanged, (_, _) => Tell());
            _subscribed = true;
        }

        await Task.WhenAll((_circuits?.All ?? []).Select(circuit => ExchangeAsync(circuit, cancellationToken)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ExchangeAsync(stoppingToken);
                await WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Circuits go on locally whatever happens to their sharing.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                logger.SharingFailed(exception.Message);
                await Task.Delay(Period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _told.Dispose();
    }

    private async Task ExchangeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var state = circuit.State;
        var answer = await redis.MaintainAsync(
            Share,
            [RedisKeys.Circuit(circuit.Provider)],
            [state.Epoch, state.OpenUntil?.ToUnixTimeMilliseconds() ?? 0, (long)Kept.TotalMilliseconds, RedisKeys.CircuitsChanged.ToString(), circuit.Provider, state.Suspended?.Word() ?? ""],
            cancellationToken);
        if (answer is not null && (string?[]?)answer is [{ } epoch, { } ends, var suspended])
        {
            var until = long.Parse(ends, CultureInfo.InvariantCulture);
            circuit.Adopt(long.Parse(epoch, CultureInfo.InvariantCulture), until == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(until), Suspensions.Of(suspended));
        }
    }

    private async Task WaitAsync(CancellationToken stoppingToken)
    {
        using var period = new CancellationTokenSource(Period, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, period.Token);
        try
        {
            await _told.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            // The period is over.
        }
    }
}
