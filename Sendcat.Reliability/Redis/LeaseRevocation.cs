namespace Sendcat.Reliability.Redis;

/// <summary>Frees all leases of a holder, whichever replica it runs on.</summary>
internal sealed class LeaseRevocation(GuardedRedis redis, LeaseKeeper keeper)
{
    /// <summary>Longer than any renewal takes to come round (a third of the longest lease).</summary>
    private static readonly TimeSpan MarkStays = TimeSpan.FromMinutes(30);

    private static readonly RedisScript Script = RedisScript.Embedded("revoke_leases.lua");

    /// <returns>False: Redis is away; then only a holder in this process was freed.</returns>
    public async ValueTask<bool> TakeAsync(string holder, CancellationToken cancellationToken)
    {
        keeper.Revoke(holder);
        return await redis.EvaluateAsync(
            Script,
            [RedisKeys.Replicas],
            [holder, RedisKeys.LeasesOfAny, RedisKeys.Taken + holder, (long)MarkStays.TotalMilliseconds, RedisKeys.LeasesTaken.ToString()],
            cancellationToken) is not null;
    }
}
