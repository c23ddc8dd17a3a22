namespace Sendcat.Reliability.Redis;

/// <summary>Revokes all leases of a holder, on whichever replica it runs.</summary>
internal sealed class LeaseRevocation(GuardedRedis redis, LeaseKeeper keeper)
{
    /// <summary>Longer than the longest renewal interval, which is a third of the longest TTL of a lease.</summary>
    private static readonly TimeSpan MarkTtl = TimeSpan.FromMinutes(30);

    private static readonly RedisScript Script = RedisScript.Embedded("revoke_leases.lua");

    /// <returns>False: Redis is unavailable, and only leases that this process holds were revoked.</returns>
    public async ValueTask<bool> RevokeAsync(string holder, CancellationToken cancellationToken)
    {
        keeper.Revoke(holder);
        return await redis.EvaluateAsync(
            Script,
            [RedisKeys.Replicas],
            [
                holder, RedisKeys.LeasesOfPrefix, RedisKeys.RevokedHolderPrefix + holder, (long)MarkTtl.TotalMilliseconds,
                RedisKeys.LeasesRevoked.ToString(),
            ],
            cancellationToken) is not null;
    }
}
