using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.Redis;

/// <summary>
/// Sends the heartbeat of this replica, and reaps the leases of replicas whose heartbeat timed out. So the slots of a killed process are
/// free long before its leases expire. It also notices that Redis came back without its data.
/// </summary>
internal sealed class ReplicaHeartbeat(
    GuardedRedis redis,
    ReplicaId replica,
    IOptionsMonitor<RedisOptions> options,
    TimeProvider time,
    ReliabilityMetrics metrics,
    RateLimitEvents events,
    IncidentMarks marks,
    ILogger<ReplicaHeartbeat> logger)
    : BackgroundService
{
    private static readonly RedisScript Beat = RedisScript.Embedded("heartbeat.lua");
    private static readonly RedisScript Reap = RedisScript.Embedded("reap_replica.lua");

    private const string DataLost = "redis_data_lost";

    /// <summary>The era of the data at the last heartbeat; null before the first one.</summary>
    private string? _era;

    /// <summary>When this process first saw the era.</summary>
    private long _eraSeenAt;

    /// <summary>Whether the data of Redis is old enough for the heartbeats of all replicas.</summary>
    internal bool AllHaveBeaten =>
        _era is not null
        && time.GetElapsedTime(Volatile.Read(ref _eraSeenAt)) >= TimeSpan.FromMilliseconds(options.CurrentValue.ReplicaDeadAfterMs);

    /// <summary>Sends one heartbeat and reaps the leases of dead replicas.</summary>
    internal async Task BeatAsync(CancellationToken cancellationToken)
    {
        var response = (string?[]?)await redis.MaintainAsync(
            Beat,
            [RedisKeys.Replicas, RedisKeys.LeasesOf(replica.ToString()), RedisKeys.Era],
            [replica.ToString(), options.CurrentValue.ReplicaDeadAfterMs, Guid.NewGuid().ToString("N")],
            cancellationToken);
        if (response is not [{ } era, .. var dead])
        {
            return;
        }

        if (_era != era)
        {
            Volatile.Write(ref _eraSeenAt, time.GetTimestamp());
            if (_era is not null)
            {
                ReportDataLost(era);
            }
        }

        _era = era;
        foreach (var other in dead)
        {
            await ReapAsync(other!, cancellationToken);
        }
    }

    /// <summary>Every replica notices the loss; equal events are one row.</summary>
    private void ReportDataLost(string era)
    {
        marks.Record(new(IncidentKind.RedisDataLost, "redis", "Redis came back without its data", $"redis_data|{era}"));
        logger.RedisLostData();
        events.Record(new(RateLimitSource.ChatHttp, DataLost, DataLost, RateLimitOutcome.ContentionFallback, DataLost));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Replica heartbeat in Redis", logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await BeatAsync(cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(options.CurrentValue.ReplicaBeatMs), time, cancellationToken);
            },
            stoppingToken);

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
            if (await redis.MaintainAsync(
                Reap, [RedisKeys.Replicas, RedisKeys.LeasesOf(dead)], [dead], cancellationToken) is not { } response)
            {
                return;
            }

            left = (int)response;
        }

        if (dead != replica.ToString())
        {
            metrics.Leases("buried_replica", 1);
            BackgroundRound.Record("reap replica leases", began, ("sendcat.replica.id", dead));
            marks.Record(new(IncidentKind.ProcessDied, dead, "Its heartbeat timed out", $"died|{dead}"));
            logger.ReplicaReaped(dead);
        }
    }
}
