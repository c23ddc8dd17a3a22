using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Sends the heartbeat of this replica, and reaps the leases of replicas whose heartbeat timed out. So the slots of a killed process are
/// free long before its leases expire.
/// </summary>
internal sealed class ReplicaHeartbeat(
    GuardedRedis redis,
    ReplicaId replica,
    IOptionsMonitor<RedisOptions> options,
    TimeProvider time,
    ReliabilityMetrics metrics,
    ILogger<ReplicaHeartbeat> logger)
    : BackgroundService
{
    private static readonly RedisScript Beat = RedisScript.Embedded("heartbeat.lua");
    private static readonly RedisScript Reap = RedisScript.Embedded("reap_replica.lua");

    /// <summary>Sends one heartbeat and reaps the leases of dead replicas.</summary>
    internal async Task BeatAsync(CancellationToken cancellationToken)
    {
        var response = await redis.MaintainAsync(
            Beat,
            [RedisKeys.Replicas, RedisKeys.LeasesOf(replica.ToString())],
            [replica.ToString(), options.CurrentValue.ReplicaDeadAfterMs],
            cancellationToken);
        foreach (var dead in (string?[]?)response ?? [])
        {
            await ReapAsync(dead!, cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await BeatAsync(stoppingToken);
                await Task.Delay(TimeSpan.FromMilliseconds(options.CurrentValue.ReplicaBeatMs), time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Without heartbeats the other replicas would reap the leases of this live replica.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                logger.LeaseUpkeepFailed(exception);
            }
        }
    }

    /// <summary>Marks this replica as dead and releases its leases, so that the others do not wait for the heartbeat to time out.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await redis.Database.SortedSetAddAsync(RedisKeys.Replicas, replica.ToString(), 0)
                .WaitAsync(TimeSpan.FromSeconds(2), time, cancellationToken);
            await ReapAsync(replica.ToString(), cancellationToken);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // The other replicas reap the leases when the heartbeat times out.
        }
    }

    private async Task ReapAsync(string dead, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        for (var left = 1; left > 0;)
        {
            if (await redis.MaintainAsync(Reap, [RedisKeys.Replicas, RedisKeys.LeasesOf(dead)], [dead], cancellationToken) is not { } response)
            {
                return;
            }

            left = (int)response;
        }

        if (dead != replica.ToString())
        {
            metrics.Leases("buried_replica", 1);
            BackgroundRound.Record("reap replica leases", began, ("sendcat.replica.id", dead));
            logger.ReplicaReaped(dead);
        }
    }
}
