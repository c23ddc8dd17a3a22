using Npgsql;
using Sendcat.Benchmarks.Stage;
using StackExchange.Redis;

namespace Sendcat.Benchmarks.Mixture;

/// <summary>What turns that are over have left behind; all of it must be nothing.</summary>
/// <param name="Leases">Members of all lease sets: ZCARD, summed.</param>
/// <param name="Holders">Holders that a replica still renews.</param>
/// <param name="StreamingMessages">Messages that nobody writes any more and that say otherwise.</param>
/// <param name="StreamingSessions">The same of stream sessions.</param>
/// <param name="Upstream">Requests that are open at the emulator.</param>
internal sealed record Leftovers(long Leases, long Holders, long StreamingMessages, long StreamingSessions, long Upstream)
{
    /// <summary>Sorted set of replicas; no lease.</summary>
    private const string Replicas = "leases:replicas";

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    public bool None => this is { Leases: 0, Holders: 0, StreamingMessages: 0, StreamingSessions: 0, Upstream: 0 };

    /// <summary>Looks until nothing is left or the time is over.</summary>
    public static async Task<Leftovers> AfterAsync(TimeSpan patience, SendcatApi api, Emulator emulator, TimeProvider clock, CancellationToken cancellationToken)
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
                await emulator.ActiveAfterAsync(TimeSpan.Zero, cancellationToken));
            if (found.None || clock.GetElapsedTime(began) > patience)
            {
                return found;
            }

            await Task.Delay(LookAgain, clock, cancellationToken);
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
