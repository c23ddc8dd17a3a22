using Npgsql;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.KillRig.Chatting;

/// <summary>What turns that are over have left behind: those of killed replicas are closed by the others.</summary>
/// <param name="Leases">Places that somebody still holds, of all guards.</param>
internal sealed record TurnRemains(long Messages, long Sessions, long Leases)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    public static async Task<TurnRemains> AfterAsync(TimeSpan patience, NpgsqlDataSource database, string redis, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(redis);
        while (true)
        {
            var found = new TurnRemains(
                await CountAsync(database, "SELECT count(*) FROM messages WHERE status = 'streaming'", cancellationToken),
                await CountAsync(database, "SELECT count(*) FROM stream_sessions WHERE status = 'streaming'", cancellationToken),
                await LeasesAsync(connection, time));
            if (found is (0, 0, 0) || time.GetElapsedTime(began) > patience)
            {
                return found;
            }

            await Task.Delay(Look, time, cancellationToken);
        }
    }

    /// <summary>Leases are members of sorted sets, scored by their expiry (Unix, ms).</summary>
    private static async Task<long> LeasesAsync(IConnectionMultiplexer redis, TimeProvider time)
    {
        var (keys, now, held) = (redis.GetDatabase(), time.GetUtcNow().ToUnixTimeMilliseconds(), 0L);
        await foreach (var key in redis.GetServers().Single().KeysAsync())
        {
            var name = key.ToString();
            if ((name.StartsWith(RedisKeys.Bulkhead(""), StringComparison.Ordinal) || name.Contains(":inflight:", StringComparison.Ordinal)) && await keys.KeyTypeAsync(key) == RedisType.SortedSet)
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
