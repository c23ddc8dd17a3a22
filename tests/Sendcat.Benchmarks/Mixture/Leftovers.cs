using Npgsql;
using Sendcat.Benchmarks.Targets;
using StackExchange.Redis;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>Leases, open rows and open requests of ended turns. All values must become 0.</summary>
/// <param name="Leases">The number of members of all lease sets (sum of ZCARD).</param>
/// <param name="Holders">The number of holders whose leases a replica still renews.</param>
/// <param name="StreamingMessages">The number of messages with the status <c>streaming</c>.</param>
/// <param name="StreamingSessions">The number of stream sessions with the status <c>streaming</c>.</param>
/// <param name="Upstream">The number of open requests at the emulator.</param>
internal sealed record Leftovers(long Leases, long Holders, long StreamingMessages, long StreamingSessions, long Upstream)
{
    /// <summary>The sorted set of replicas. Its members are not leases.</summary>
    private const string Replicas = "leases:replicas";

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    public bool None => this is { Leases: 0, Holders: 0, StreamingMessages: 0, StreamingSessions: 0, Upstream: 0 };

    /// <summary>Polls until nothing is left or <paramref name="timeout"/> has passed.</summary>
    public static async Task<Leftovers> WaitUntilNoneAsync(
        TimeSpan timeout, SendcatApi api, Emulator emulator, TimeProvider clock, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(api.Redis.ConnectionString);
        await using var database = NpgsqlDataSource.Create(api.Database);
        while (true)
        {
            var (leases, holders) = await LeasesAsync(redis);
            var found = new Leftovers(
                leases,
                holders,
                await CountAsync(database, "SELECT count(*) FROM messages WHERE status = 'streaming'", cancellationToken),
                await CountAsync(database, "SELECT count(*) FROM stream_sessions WHERE status = 'streaming'", cancellationToken),
                await emulator.WaitUntilIdleAsync(TimeSpan.Zero, cancellationToken));
            if (found.None || clock.GetElapsedTime(began) > timeout)
            {
                return found;
            }

            await Task.Delay(PollInterval, clock, cancellationToken);
        }
    }

    private static async Task<(long Leases, long Holders)> LeasesAsync(ConnectionMultiplexer redis)
    {
        var keys = redis.GetDatabase();
        long leases = 0, holders = 0;
        await foreach (var key in redis.GetServers().Single().KeysAsync())
        {
            switch (await keys.KeyTypeAsync(key))
            {
                case RedisType.SortedSet when key != Replicas:
                    leases += await keys.SortedSetLengthAsync(key);
                    break;
                case RedisType.Hash when key.ToString().StartsWith("leases:of:", StringComparison.Ordinal):
                    holders += await keys.HashLengthAsync(key);
                    break;
            }
        }

        return (leases, holders);
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
