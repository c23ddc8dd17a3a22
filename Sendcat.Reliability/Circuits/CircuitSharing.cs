using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Timing;
using StackExchange.Redis;

namespace Sendcat.Reliability.Circuits;

/// <summary>
/// Exchanges the states of the circuits between the replicas: at once after a signal, and every 5 s in case a signal was missed or Redis
/// lost data.
/// </summary>
internal sealed class CircuitSharing(
    GuardedRedis redis, IConnectionMultiplexer connection, TimeProvider time, StoreOutages outages,
    ILogger<CircuitSharing> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Retention = TimeSpan.FromDays(1);
    private static readonly RedisScript Share = RedisScript.Embedded("share.lua");

    private const string Work = "Sharing of circuits";

    private readonly AutoResetSignal _roundSignal = new(time);
    private readonly Outage _outage = new(Work, logger, time);
    private Circuits? _circuits;
    private bool _subscribed;

    public void Attach(Circuits circuits) => _circuits = circuits;

    /// <summary>Starts a round at once: a circuit changed in this process or in another replica.</summary>
    public void SignalRound() => _roundSignal.Set();

    /// <summary>Runs one round: each circuit sends its state and adopts a newer one.</summary>
    internal async Task ExchangeAsync(CancellationToken cancellationToken)
    {
        if (!_subscribed && connection.IsConnected)
        {
            await connection.GetSubscriber().SubscribeAsync(RedisKeys.CircuitsChanged, (_, _) => SignalRound());
            _subscribed = true;
        }

        await Task.WhenAll((_circuits?.All ?? []).Select(circuit => ExchangeAsync(circuit, cancellationToken)));
    }

    /// <summary>Sends the state of one circuit now, or adopts a newer one.</summary>
    /// <returns>False: Redis is unavailable.</returns>
    internal async Task<bool> TryExchangeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        try
        {
            return await ExchangeAsync(circuit, cancellationToken);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            return false;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).RepeatAsync(RoundAsync, stoppingToken);

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ExchangeAsync(cancellationToken);
            _outage.Ends();
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // The circuits work locally without the exchange.
            if (!outages.Redis.Records(Work, exception) && _outage.Begins())
            {
                logger.SharingFailed(exception.Message);
            }
        }

        await _roundSignal.WaitAsync(Period, cancellationToken);
    }

    /// <returns>False: Redis does not respond.</returns>
    private async Task<bool> ExchangeAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        // Rejections that were counted while Redis was disconnected are sent when it is back. A Redis that hangs counts them when it
        // continues: sent again, they would count twice. So those are lost that are on their way when the connection breaks.
        var state = connection.IsConnected ? circuit.TakeUnshared() : circuit.State;
        var (resetsKey, resetsQuota, added) = state.Unshared;
        var response = await redis.MaintainAsync(
            Share,
            [RedisKeys.Circuit(circuit.Provider), RedisKeys.CircuitRefusals(circuit.Provider), RedisKeys.CircuitOpening(circuit.Provider)],
            [
                state.Epoch,
                state.OpenUntil?.ToUnixTimeMilliseconds() ?? 0,
                (long)Retention.TotalMilliseconds,
                RedisKeys.CircuitsChanged.ToString(),
                circuit.Provider,
                state.Suspended?.Name() ?? "",
                resetsKey ? 1 : 0,
                resetsQuota ? 1 : 0,
                added.Key,
                added.OfConfigured ? 1 : 0,
                added.Quota,
                circuit.ReadOpening()?.ToString() ?? "",
            ],
            cancellationToken);
        if (response is not null
            && (string?[]?)response is [{ } epoch, { } ends, var suspended, { } keys, { } ofConfigured, { } quotas, var opening])
        {
            var (until, counted) = (Number(ends), Number(epoch));
            DateTimeOffset? openUntil = until == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(until);
            circuit.Adopt(counted, openUntil, Suspensions.Of(suspended), CircuitOpening.Parse(opening));
            circuit.AdoptRefusals(counted, new((int)Number(keys), ofConfigured == "1", (int)Number(quotas)), !added.None);
        }

        return response is not null;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
