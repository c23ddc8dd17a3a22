using Sendcat.Reliability.Events;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Snapshot;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>
/// What the timeline of an incident says about processes that died and stores that were restarted. Two replicas see each of it, and it is
/// listed once. The tests poll, because no signal says that a replica has connected again.
/// </summary>
public sealed class IncidentMarksTests(SharedStores stores)
{
    private static readonly (string, string)[] QuickBeats = [("REDIS_REPLICA_BEAT_MS", "100"), ("REDIS_REPLICA_DEAD_AFTER_MS", "600")];

    [Fact]
    public async Task A_killed_process_is_listed_as_died_with_its_kind_and_one_that_stopped_is_not()
    {
        var (redis, postgres) = ((await stores.RedisAsync()).CreateDatabase(), await DatabaseAsync(await stores.PostgresAsync()));
        await using var killed = await Replica.ConnectAsync(redis, postgres, knobs: QuickBeats);
        await using var stopped = await Replica.ConnectAsync(redis, postgres, knobs: QuickBeats);
        await using var one = await Replica.ConnectAsync(redis, postgres, knobs: QuickBeats);
        await using var two = await Replica.ConnectAsync(redis, postgres, knobs: QuickBeats);
        Mark(killed, IncidentKind.ProcessStarted, IncidentMarks.Started(killed.Id.ToString()));
        Mark(stopped, IncidentKind.ProcessStarted, IncidentMarks.Started(stopped.Id.ToString()));
        Mark(stopped, IncidentKind.ProcessStopped, IncidentMarks.Stopped(stopped.Id.ToString()));
        await FlushAsync(killed, stopped);
        foreach (var each in new[] { killed, stopped, one, two })
        {
            await each.Get<ReplicaHeartbeat>().BeatAsync(default);
        }

        killed.Kill();
        stopped.Kill();
        await one.RunAsync(one.Get<ReplicaHeartbeat>());
        await two.RunAsync(two.Get<ReplicaHeartbeat>());

        await Eventually.TrueAsync(async () =>
        {
            await FlushAsync(one, two);
            return await one.Redis.SortedSetLengthAsync(RedisKeys.Replicas) == 2
                && (await ListAsync(one, IncidentKind.ProcessDied)).Count > 0;
        });
        Assert.Equal([$"worker {killed.Id}: Its heartbeat timed out"], await ListAsync(one, IncidentKind.ProcessDied));
    }

    [Fact]
    public async Task A_restart_of_redis_is_listed_once_and_the_loss_of_its_data_too()
    {
        await using var server = await RedisServer.StartAsync();
        var postgres = await DatabaseAsync(await stores.PostgresAsync());
        await using var one = await Replica.ConnectAsync(server.ConnectionString, postgres);
        await using var two = await Replica.ConnectAsync(server.ConnectionString, postgres);
        await LookAsync(one, two);

        // A killed server has saved nothing.
        await server.KillAsync();
        await server.StartAgainAsync();
        await UntilListedAsync(IncidentKind.RedisRestarted, 1, one, one, two);
        await UntilListedAsync(IncidentKind.RedisDataLost, 1, one, one, two);

        await server.RestartAsync();
        await UntilListedAsync(IncidentKind.RedisRestarted, 2, one, one, two);
        Assert.Equal(["redis: Redis came back without its data"], await ListAsync(one, IncidentKind.RedisDataLost));
    }

    [Fact]
    public async Task A_restart_of_postgres_is_listed_once()
    {
        await using var server = await PostgresServer.StartAsync();
        var (redis, postgres) = ((await stores.RedisAsync()).CreateDatabase(), await DatabaseAsync(server));
        await using var one = await Replica.ConnectAsync(redis, postgres);
        await using var two = await Replica.ConnectAsync(redis, postgres);
        await LookAsync(one, two);

        await server.RestartAsync();
        await using var reader = await Replica.ConnectAsync(redis, postgres);
        await UntilListedAsync(IncidentKind.PostgresRestarted, 1, reader, one, two);

        Assert.Equal(["postgres: Postgres was restarted"], await ListAsync(reader, IncidentKind.PostgresRestarted));
    }

    private static Task<string> DatabaseAsync(PostgresServer server) => MigratedDatabase.CreateForReliabilityAsync(server);

    private static void Mark(Replica replica, IncidentKind kind, string key) =>
        replica.Get<IncidentMarks>().Record(new(kind, $"worker {replica.Id}", "A mark", key));

    private static async Task FlushAsync(params Replica[] replicas)
    {
        foreach (var replica in replicas)
        {
            await replica.Get<IncidentMarks>().FlushAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>One round of everything that notices a restart, on each replica.</summary>
    private static async Task LookAsync(params Replica[] replicas)
    {
        foreach (var replica in replicas)
        {
            await replica.Get<ReplicaHeartbeat>().BeatAsync(TestContext.Current.CancellationToken);
            await replica.Get<StoreRestarts>().LookAsync(TestContext.Current.CancellationToken);
            await replica.Get<IncidentMarks>().FlushAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Until it is listed, and one more round of all replicas, in which the others would have written it again.</summary>
    private static async Task UntilListedAsync(IncidentKind kind, int count, Replica reader, params Replica[] replicas)
    {
        await Eventually.TrueAsync(async () =>
        {
            await LookAsync(replicas);
            return (await ListAsync(reader, kind)).Count >= count;
        });
        await LookAsync(replicas);
        Assert.Equal(count, (await ListAsync(reader, kind)).Count);
    }

    private static async Task<IReadOnlyList<string>> ListAsync(Replica replica, IncidentKind kind)
    {
        var now = TimeProvider.System.GetUtcNow();
        var entries = await replica.Get<IncidentTimeline>().ListAsync(
            now.AddHours(-1), now.AddMinutes(1), [kind.Name()], null, 100, TestContext.Current.CancellationToken);
        return [.. entries.Select(entry => $"{entry.Subject}: {entry.Title}")];
    }
}
