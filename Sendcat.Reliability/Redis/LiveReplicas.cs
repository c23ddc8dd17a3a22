namespace Sendcat.Reliability.Redis;

/// <summary>The replicas and workers whose heartbeat arrives.</summary>
internal sealed class LiveReplicas(GuardedRedis redis, ReplicaHeartbeat heartbeat, ReplicaId self)
{
    private static readonly RedisScript Script = RedisScript.Embedded("live_replicas.lua");

    /// <returns>
    /// Null: unknown, because Redis is unavailable, or because its data is so new that some heartbeats may not have arrived.
    /// </returns>
    public async ValueTask<IReadOnlySet<ReplicaId>?> ReadAsync(CancellationToken cancellationToken)
    {
        if ((string?[]?)await redis.MaintainAsync(Script, [RedisKeys.Replicas], [], cancellationToken) is not { } replicas)
        {
            return null;
        }

        var live = replicas.Select(replica => Guid.TryParse(replica, out var id) ? new ReplicaId(id) : null).OfType<ReplicaId>()
            .ToHashSet();

        // Without the heartbeat of this process, Redis came back empty, and this process has not noticed it yet.
        return live.Contains(self) && heartbeat.AllHaveBeaten ? live : null;
    }
}
