using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Redis;

/// <summary>Says that this replica lives, and frees the leases of replicas that no longer do: the places of a killed process are free long before their leases run out.</summary>
internal sealed class ReplicaBeat(GuardedRedis redis, ReplicaId replica, IOptionsMonitor<RedisOptions> options, TimeProvider time, ReliabilityMetrics metrics, ILogger<ReplicaBeat> logger)
    : BackgroundService
{
    private static readonly RedisScript Beat = RedisScript.Embedded("beat.lua");
    private static readonly RedisScript Bury = RedisScript.Embedded("bury.lua");

    /// <summary>One beat; buries who has been silent for too long.</summary>
    internal async Task BeatAsync(CancellationToken cancellationToken)
    {
        var answer = await redis.MaintainAsync(
            Beat, [RedisKeys.Replicas, RedisKeys.LeasesOf(replica.ToString())], [replica.ToString(), options.CurrentValue.ReplicaDeadAfterMs], cancellationToken);
        foreach (var dead in (string?[]?)answer ?? [])
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
#pragma warning disable CA1031 // A replica that stops beating is buried alive.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                logger.KeepingFailed(exception);
            }
        }
    }

    /// <summary>Buries itself: nobody needs to wait for its silence.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await redis.Database.SortedSetAddAsync(RedisKeys.Replicas, replica.ToString(), 0).WaitAsync(TimeSpan.FromSeconds(2), time, cancellationToken);
            await ReapAsync(replica.ToString(), cancellationToken);
        }
        catch (Exception exception) when (RedisFailure.Is(exception))
        {
            // Others bury it.
        }
    }

    private async Task ReapAsync(string dead, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        for (var left = 1; left > 0;)
        {
            if (await redis.MaintainAsync(Bury, [RedisKeys.Replicas, RedisKeys.LeasesOf(dead)], [dead], cancellationToken) is not { } answer)
            {
                return;
            }

            left = (int)answer;
        }

        if (dead != replica.ToString())
        {
            metrics.Leases("buried_replica", 1);
            BackgroundRound.Did("reap replica leases", began, ("sendcat.replica.id", dead));
            logger.ReplicaReaped(dead);
        }
    }
}
