using Npgsql;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.KillRig.Chatting;

/// <summary>Open rows and leases of ended turns. The other replicas close the turns of a killed replica.</summary>
/// <param name="Messages">The number of messages that are still <c>streaming</c>.</param>
/// <param name="Sessions">The number of stream sessions that are still <c>streaming</c>.</param>
/// <param name="Leases">The number of leases of all limiters that are not released and not expired.</param>
internal sealed record TurnLeftovers(long Messages, long Sessions, long Leases)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Polls until nothing is left or <paramref name="timeout"/> has passed.</summary>
    public static async Task<TurnLeftovers> WaitUntilNoneAsync(
        TimeSpan timeout, NpgsqlDataSource database, string redis, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        while (true)
        {
            var found = new TurnLeftovers(
                await CountAsync(database, "SELECT count(*) FROM messages WHERE status = 'streaming'", cancellationToken),
                await CountAsync(database, "SELECT count(*) FROM stream_sessions WHERE status = 'streaming'", cancellationToken),
                await LeasesAsync(connection, time));
            if (found is (0, 0, 0) || time.GetElapsedTime(began) > timeout)
            {
                return found;
            }

            await Task.Delay(PollInterval, time, cancellationToken);
        }
    }

    /// <summary>Counts the leases. They are members of sorted sets, and their score is the expiry (Unix time, ms).</summary>
    private static async Task<long> LeasesAsync(IConnectionMultiplexer redis, TimeProvider time)
    {
        var (keys, now, held) = (redis.GetDatabase(), time.GetUtcNow().ToUnixTimeMilliseconds(), 0L);
        await foreach (var key in redis.GetServers().Single().KeysAsync())
        {
            var name = key.ToString();
            if ((name.StartsWith(RedisKeys.Bulkhead(""), StringComparison.Ordinal) || name.Contains(":inflight:", StringComparison.Ordinal))
                && await keys.KeyTypeAsync(key) == RedisType.SortedSet)
            {
                held += await keys.SortedSetLengthAsync(key, now);
            }
        }

        return held;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
