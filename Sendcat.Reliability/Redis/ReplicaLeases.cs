namespace Sendcat.Reliability.Redis;

/// <summary>
/// The replicas that hold leases (slots of admission and of bulkheads), for operators. The leases of a dead replica are released by the
/// others within seconds; this is the same by hand.
/// </summary>
public sealed class ReplicaLeases
{
    private static readonly RedisScript Listing = RedisScript.Embedded("list_replicas.lua");
    private static readonly RedisScript Reap = RedisScript.Embedded("reap_replica.lua");

    private readonly GuardedRedis _redis;

    internal ReplicaLeases(GuardedRedis redis) => _redis = redis;

    /// <returns>Null while Redis is unavailable.</returns>
    public async Task<IReadOnlyList<ReplicaReading>?> ListAsync(CancellationToken cancellationToken)
    {
        if (await _redis.MaintainAsync(Listing, [RedisKeys.Replicas], [RedisKeys.LeasesOfPrefix], cancellationToken) is not { } response)
        {
            return null;
        }

        var fields = (string[])response!;
        return
        [
            .. fields.Chunk(3).Select(row => new ReplicaReading(
                row[0], row[1] == "1", int.Parse(row[2], System.Globalization.CultureInfo.InvariantCulture))),
        ];
    }

    /// <summary>Releases the leases of a dead replica. Those of a replica that sends heartbeats are left alone.</summary>
    /// <returns>How many holders still have leases; 0 when all are free, or the replica lives; null while Redis is unavailable.</returns>
    public async Task<int?> ReleaseAsync(string replica, CancellationToken cancellationToken)
    {
        for (var left = int.MaxValue; left > 0;)
        {
            if (await _redis.MaintainAsync(
                Reap, [RedisKeys.Replicas, RedisKeys.LeasesOf(replica)], [replica], cancellationToken) is not { } response)
            {
                return null;
            }

            left = (int)response;
        }

        return 0;
    }
}

/// <summary>A replica that holds, or held, leases.</summary>
/// <param name="Lives">It sent a heartbeat in time.</param>
/// <param name="Holders">Turns and jobs that hold leases.</param>
public sealed record ReplicaReading(string Id, bool Lives, int Holders);
