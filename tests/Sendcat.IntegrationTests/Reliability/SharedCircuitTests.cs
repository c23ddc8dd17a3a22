using Sendcat.Reliability.Circuits;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

public sealed class SharedCircuitTests(SharedStores stores)
{
    private const string Provider = "ebay_search";

    [Fact]
    public async Task What_opens_on_one_replica_is_open_on_the_other_and_closes_there_too()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        await FailAsync(one, 4);
        await Until.TrueAsync(() => Read(two).State == "open");
        await Until.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");

        var probes = await Task.WhenAll(one.Circuits.EnterAsync(Provider, default).AsTask(), two.Circuits.EnterAsync(Provider, default).AsTask());
        var probe = Assert.Single(probes, entry => entry.Permit is not null);
        Assert.True(probe.Permit!.IsProbe);

        probe.Permit.Succeeded();
        await Until.TrueAsync(() => Read(one).State == "closed" && Read(two).State == "closed");
    }

    [Fact]
    public async Task A_probe_whose_caller_leaves_lets_another_replica_probe()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);
        await FailAsync(one, 4);
        await Until.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");
        var left = (await one.Circuits.EnterAsync(Provider, default)).Permit!;
        Assert.Null((await two.Circuits.EnterAsync(Provider, default)).Permit);

        left.Dispose();

        await Until.TrueAsync(async () => (await two.Circuits.EnterAsync(Provider, default)).Permit is { IsProbe: true });
        Assert.Null((await one.Circuits.EnterAsync(Provider, default)).Permit);
        Assert.Equal(("half_open", "half_open"), (Read(one).State, Read(two).State));
    }

    [Fact]
    public async Task A_replica_that_starts_later_learns_what_is_open()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await FailAsync(one, 4);
        await Until.TrueAsync(async () => await one.Redis.KeyExistsAsync("circuit:ebay_search"));

        await using var late = await Replica.ConnectAsync(redis);
        _ = late.Circuits;
        await late.Get<CircuitSharing>().ExchangeAsync(default);

        Assert.Equal(Read(one).CooldownUntil!.Value.ToUnixTimeMilliseconds(), Read(late).CooldownUntil!.Value.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_suspension_is_shared_with_its_reason_and_so_is_its_end_and_its_one_probe()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        for (var n = 0; n < 3; n++)
        {
            (await one.Circuits.EnterAsync(Provider, default)).Permit!.AccountRefused(Suspension.Key, configured: true);
        }

        await Until.TrueAsync(() => Read(two) is { State: "open", Suspended: "key" });
        await Until.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");
        Assert.Equal((Suspension.Key, TimeSpan.Zero), (two.Circuits.SuspensionOf(Provider)!.Value.Reason, two.Circuits.SuspensionOf(Provider)!.Value.RetryAfter));
        Assert.Null(two.Circuits.EnterWithoutProbe(Provider).Permit);

        var probes = await Task.WhenAll(one.Circuits.EnterAsync(Provider, default).AsTask(), two.Circuits.EnterAsync(Provider, default).AsTask());
        var probe = Assert.Single(probes, entry => entry.Permit is not null);
        probe.Permit!.AccountRefused(Suspension.Quota, configured: true);
        await Until.TrueAsync(() => Read(one) is { State: "open", Suspended: "quota" } && Read(two) is { State: "open", Suspended: "quota" });

        await Until.TrueAsync(async () => (await two.Circuits.EnterAsync(Provider, default)).Permit is { } permit && Succeed(permit));
        await Until.TrueAsync(() => Read(one) is { State: "closed", Suspended: null } && Read(two) is { State: "closed", Suspended: null });

        static bool Succeed(CircuitPermit permit)
        {
            permit.Succeeded();
            return true;
        }
    }

    [Fact]
    public async Task A_suspension_is_an_event_once_and_its_prolongation_is_not()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        var database = await MigratedDatabase.CreateForReliabilityAsync(await stores.PostgresAsync());
        await using var replica = await Replica.ConnectAsync(redis, database, null, ("CIRCUIT_EBAY_COOLDOWN_MS", "1000"));
        await using var source = Npgsql.NpgsqlDataSource.Create(database);
        for (var n = 0; n < 3; n++)
        {
            (await replica.Circuits.EnterAsync(Provider, default)).Permit!.AccountRefused(Suspension.Quota, configured: true);
        }

        await Until.TrueAsync(async () => (await replica.Circuits.EnterAsync(Provider, default)).Permit is { } probe && Refuse(probe));
        await replica.Get<Sendcat.Reliability.Events.RateLimitEvents>().FlushAsync(default);

        await using var events = source.CreateCommand("select bucket || ' ' || key || ' ' || reason || ' ' || hits from reliability.rate_limit_events");
        Assert.Equal($"provider_suspension provider_suspension:{Provider} quota 1", (string?)await events.ExecuteScalarAsync());

        static bool Refuse(CircuitPermit probe)
        {
            probe.AccountRefused(Suspension.Quota, configured: true);
            return true;
        }
    }

    private static async Task FailAsync(Replica replica, int times)
    {
        for (var n = 0; n < times; n++)
        {
            (await replica.Circuits.EnterAsync(Provider, default)).Permit!.Failed("down");
        }
    }

    private static CircuitReading Read(Replica replica) => replica.Circuits.States().Single(circuit => circuit.Provider == Provider);

    private static async Task<Replica> ReplicaAsync(string redis)
    {
        var replica = await Replica.ConnectAsync(redis, knobs: ("CIRCUIT_EBAY_COOLDOWN_MS", "1500"));
        _ = replica.Circuits;
        return await replica.RunAsync(replica.Get<CircuitSharing>());
    }
}
