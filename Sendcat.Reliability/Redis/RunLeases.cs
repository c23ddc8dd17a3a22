namespace Sendcat.Reliability.Redis;

/// <summary>
/// The leases that runs of jobs hold. A run whose job was reclaimed holds none any more: its slots are free with the job, not only when the
/// heartbeat of its process times out.
/// </summary>
internal sealed class RunLeases(GuardedRedis redis)
{
    private const char Separator = '/';

    /// <summary>A suspended process learns at its next renewal that its leases are revoked, at the latest after half an hour.</summary>
    private static readonly TimeSpan MarkTtl = TimeSpan.FromMinutes(30);

    private static readonly RedisScript Script = RedisScript.Embedded("release_runs.lua");

    /// <summary>A new holder that belongs to the run.</summary>
    public static string HolderOf(string run) => $"{run}{Separator}{Guid.NewGuid():N}";

    /// <summary>Releases all leases of the runs. Their process, if it lives, cannot acquire them again.</summary>
    /// <param name="replica">The process that ran them.</param>
    /// <param name="runs">Names of runs.</param>
    /// <param name="cancellationToken">Ends the wait for Redis.</param>
    /// <returns>
    /// The number of leases that existed; null: Redis is unavailable, and the leases end with the heartbeat of the process.
    /// </returns>
    public async ValueTask<int?> ReleaseAsync(ReplicaId replica, IReadOnlyCollection<string> runs, CancellationToken cancellationToken) =>
        await redis.MaintainAsync(
            Script,
            [RedisKeys.LeasesOf(replica.ToString())],
            [
                RedisKeys.RevokedHolderPrefix, (long)MarkTtl.TotalMilliseconds, RedisKeys.LeasesRevoked.ToString(), $"{Separator}",
                .. runs,
            ],
            cancellationToken) is { } response
            ? (int)response
            : null;
}
