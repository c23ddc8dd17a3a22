using Sendcat.Reliability.Circuits;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>
/// Circuits that two replicas share through Redis. The tests poll, because a replica does not signal that it has adopted the state of
/// another one, and cooldowns run on the real clock.
/// </summary>
public sealed class SharedCircuitTests(SharedStores stores)
{
    private const string Provider = "ebay_search";

    [Fact]
    public async Task A_circuit_opens_and_closes_on_all_replicas_together()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        await FailAsync(one, 4);
        await Eventually.TrueAsync(() => Read(two).State == "open");
        Assert.Equal((4, "down"), (Read(two).FailureCount, Read(two).LastError));
        await Eventually.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");

        var probes = await Task.WhenAll(
            one.Circuits.EnterAsync(Provider, default).AsTask(), two.Circuits.EnterAsync(Provider, default).AsTask());
        var probe = Assert.Single(probes, entry => entry.Permit is not null);
        Assert.True(probe.Permit!.IsProbe);

        probe.Permit.Succeeded();
        await Eventually.TrueAsync(() => Read(one).State == "closed" && Read(two).State == "closed");
    }

    [Fact]
    public async Task A_probe_that_is_cancelled_lets_another_replica_probe()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);
        await FailAsync(one, 4);
        await Eventually.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");
        var cancelled = (await one.Circuits.EnterAsync(Provider, default)).Permit!;
        Assert.Null((await two.Circuits.EnterAsync(Provider, default)).Permit);

        cancelled.Dispose();

        await Eventually.TrueAsync(async () => (await two.Circuits.EnterAsync(Provider, default)).Permit is { IsProbe: true });
        Assert.Null((await one.Circuits.EnterAsync(Provider, default)).Permit);
        Assert.Equal(("half_open", "half_open"), (Read(one).State, Read(two).State));
    }

    [Fact]
    public async Task A_replica_that_starts_later_adopts_the_open_circuits()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await FailAsync(one, 4);
        await Eventually.TrueAsync(async () => await one.Redis.KeyExistsAsync("circuit:ebay_search"));

        await using var later = await Replica.ConnectAsync(redis);
        _ = later.Circuits;
        await later.Get<CircuitSharing>().ExchangeAsync(default);

        Assert.Equal(Read(one).CooldownUntil!.Value.ToUnixTimeMilliseconds(), Read(later).CooldownUntil!.Value.ToUnixTimeMilliseconds());
        Assert.Equal((4, "down"), (Read(later).FailureCount, Read(later).LastError));
    }

    [Fact]
    public async Task Replicas_share_a_suspension_with_its_reason_its_single_probe_and_its_end()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        for (var n = 0; n < 3; n++)
        {
            (await one.Circuits.EnterAsync(Provider, default)).Permit!.AccountRefused(Suspension.Key, configured: true);
        }

        await Eventually.TrueAsync(() => Read(two) is { State: "open", Suspended: "key" });
        await Eventually.TrueAsync(() => Read(one).State == "half_open" && Read(two).State == "half_open");
        Assert.Equal(
            (Suspension.Key, TimeSpan.Zero),
            (two.Circuits.SuspensionOf(Provider)!.Value.Reason, two.Circuits.SuspensionOf(Provider)!.Value.RetryAfter));
        Assert.Null(two.Circuits.EnterWithoutProbe(Provider).Permit);

        var probes = await Task.WhenAll(
            one.Circuits.EnterAsync(Provider, default).AsTask(), two.Circuits.EnterAsync(Provider, default).AsTask());
        var probe = Assert.Single(probes, entry => entry.Permit is not null);
        probe.Permit!.AccountRefused(Suspension.Quota, configured: true);
        await Eventually.TrueAsync(
            () => Read(one) is { State: "open", Suspended: "quota" } && Read(two) is { State: "open", Suspended: "quota" });

        await Eventually.TrueAsync(
            async () => (await two.Circuits.EnterAsync(Provider, default)).Permit is { } permit && SucceedAndReturnTrue(permit));
        await Eventually.TrueAsync(
            () => Read(one) is { State: "closed", Suspended: null } && Read(two) is { State: "closed", Suspended: null });

        static bool SucceedAndReturnTrue(CircuitPermit permit)
        {
            permit.Succeeded();
            return true;
        }
    }

    [Theory]
    [InlineData(Suspension.Key, "key")]
    [InlineData(Suspension.Quota, "quota")]
    public async Task Rejections_in_a_row_are_counted_over_all_replicas(Suspension refusal, string reason)
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        await RefuseAsync(one, refusal);
        await Eventually.TrueAsync(() => Refusals(two) == 1);
        await RefuseAsync(two, refusal);
        await Eventually.TrueAsync(() => Refusals(one) == 2);
        // A success anywhere starts the row anew everywhere.
        (await two.Circuits.EnterAsync(Provider, default)).Permit!.Succeeded();
        await Eventually.TrueAsync(() => Refusals(one) == 0);
        await RefuseAsync(one, refusal);
        await RefuseAsync(two, refusal);
        await Eventually.TrueAsync(() => Refusals(one) == 2 && Refusals(two) == 2);
        Assert.Equal(("closed", "closed"), (Read(one).State, Read(two).State));

        await RefuseAsync(one, refusal);

        Assert.Equal(("open", reason), (Read(one).State, Read(one).Suspended));
        await Eventually.TrueAsync(() => Read(two) is { State: "open" } reading && reading.Suspended == reason);
    }

    [Fact]
    public async Task Rejections_that_replicas_count_at_the_same_time_suspend_the_provider()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);
        await using var three = await ReplicaAsync(redis);

        await Task.WhenAll(new[] { one, two, three }.Select(replica => RefuseAsync(replica, Suspension.Quota)));

        await Eventually.TrueAsync(() => new[] { one, two, three }.All(replica => Read(replica) is { State: "open", Suspended: "quota" }));
    }

    [Fact]
    public async Task Rejections_that_are_counted_while_redis_is_away_are_added_when_it_is_back()
    {
        await using var server = await RedisServer.StartAsync();
        var redis = server.CreateDatabase();
        await using var one = await Replica.ConnectAsync(redis);
        await using var two = await Replica.ConnectAsync(redis);
        _ = (one.Circuits, two.Circuits);
        await server.KillAsync();
        await Eventually.TrueAsync(() => !one.Redis.Multiplexer.IsConnected && !two.Redis.Multiplexer.IsConnected);
        await RefuseAsync(one, Suspension.Quota);
        await RefuseAsync(one, Suspension.Quota);
        await one.Get<CircuitSharing>().ExchangeAsync(default);

        await server.StartAgainAsync();
        await Eventually.TrueAsync(() => one.Redis.Multiplexer.IsConnected && two.Redis.Multiplexer.IsConnected);
        await one.Get<CircuitSharing>().ExchangeAsync(default);
        await two.Get<CircuitSharing>().ExchangeAsync(default);

        Assert.Equal((2, 2), (Refusals(one), Refusals(two)));
    }

    [Fact]
    public async Task A_suspension_is_stored_as_one_event_and_its_extension_is_not()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        var database = await MigratedDatabase.CreateForReliabilityAsync(await stores.PostgresAsync());
        await using var replica = await Replica.ConnectAsync(redis, database, null, ("CIRCUIT_EBAY_COOLDOWN_MS", "1000"));
        await using var source = Npgsql.NpgsqlDataSource.Create(database);
        for (var n = 0; n < 3; n++)
        {
            (await replica.Circuits.EnterAsync(Provider, default)).Permit!.AccountRefused(Suspension.Quota, configured: true);
        }

        await Eventually.TrueAsync(
            async () => (await replica.Circuits.EnterAsync(Provider, default)).Permit is { } probe && RefuseAndReturnTrue(probe));
        await replica.Get<Sendcat.Reliability.Events.RateLimitEvents>().FlushAsync(default);

        await using var events = source.CreateCommand(
            "select bucket || ' ' || key || ' ' || reason || ' ' || hits from reliability.rate_limit_events");
        Assert.Equal($"provider_suspension provider_suspension:{Provider} quota 1", (string?)await events.ExecuteScalarAsync());

        static bool RefuseAndReturnTrue(CircuitPermit probe)
        {
            probe.AccountRefused(Suspension.Quota, configured: true);
            return true;
        }
    }

    private static async Task RefuseAsync(Replica replica, Suspension refusal) =>
        (await replica.Circuits.EnterAsync(Provider, default)).Permit!.AccountRefused(refusal, configured: true);

    private static int Refusals(Replica replica) =>
        replica.Circuits.Of(Provider).State.Refusals is var refusals ? refusals.Key + refusals.Quota : 0;

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
