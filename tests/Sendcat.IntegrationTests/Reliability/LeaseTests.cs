using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>
/// Renewal, expiry, reaping and revocation of leases. Redis uses its own clock, so the leases have short real TTLs. The tests poll Redis,
/// which signals neither an expiry nor a change of a key.
/// </summary>
public sealed class LeaseTests(SharedStores stores)
{
    private const string Global = "admit:chat:inflight:global";

    private static readonly (string, string) ShortTtl = ("ADMISSION_TICKET_TTL_MS", "1000");

    [Fact]
    public async Task A_lease_is_renewed_beyond_its_ttl_and_released_at_the_end()
    {
        await using var replica = await Replica.ConnectAsync(await EmptyRedisAsync(), knobs: ShortTtl);
        await replica.RunAsync();
        var ticket = await replica.AdmitAsync("long", "user:a");
        var acquired = await ScoreAsync(replica, "long");

        await Eventually.TrueAsync(async () => await ScoreAsync(replica, "long") > acquired + 2_500);
        Assert.Equal(
            "user_inflight", Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("second", "user:a")).Reason);
        Assert.False(ticket.Lost.IsCancellationRequested);
        await ticket.DisposeAsync();

        await using var next = await replica.AdmitAsync("third", "user:a");
        Assert.Equal(["third"], await HoldersAsync(replica));
    }

    [Fact]
    public async Task Refused_attempts_do_not_extend_the_lease_of_a_dead_replica()
    {
        var redis = await EmptyRedisAsync();
        await using var killed = await Replica.ConnectAsync(redis, knobs: ShortTtl);
        await using var survivor = await Replica.ConnectAsync(redis, knobs: ShortTtl);
        await killed.AdmitAsync("killed", "user:a");
        killed.Kill();
        var refused = 0;

        await Eventually.TrueAsync(async () =>
        {
            var decision = await survivor.RequestAdmissionAsync($"try {refused}", "user:a");
            refused += decision is AdmissionDecision.Denied { Reason: "user_inflight" } ? 1 : 0;
            return decision is AdmissionDecision.Admitted;
        });

        Assert.True(refused > 3);
        Assert.Equal([$"try {refused}"], await HoldersAsync(survivor, "admit:chat:inflight:user:user%3Aa"));
    }

    [Fact]
    public async Task The_leases_of_a_killed_replica_are_reaped_long_before_they_expire()
    {
        var redis = await EmptyRedisAsync();
        (string, string)[] quick =
        [
            ("REDIS_REPLICA_BEAT_MS", "100"), ("REDIS_REPLICA_DEAD_AFTER_MS", "600"), ("ADMISSION_TICKET_TTL_MS", "600000"),
        ];
        await using var killed = await Replica.ConnectAsync(redis, knobs: quick);
        await using var survivor = await Replica.ConnectAsync(redis, knobs: quick);
        await killed.RunAsync();
        await survivor.RunAsync();
        for (var n = 0; n < 100; n++)
        {
            await killed.RequestAdmissionAsync(
                $"lost {n}", $"user:{n}", killed.Bulkheads.Claim("openrouter_chat_primary") with { Cap = 1000 });
        }

        await using var staying = await survivor.AdmitAsync("stays", "user:stays");
        Assert.Equal(101, await survivor.Redis.SortedSetLengthAsync(Global));
        killed.Kill();

        await Eventually.TrueAsync(async () => await survivor.Redis.SortedSetLengthAsync(Global) == 1);
        Assert.Equal(0, await survivor.Redis.SortedSetLengthAsync("bulkhead:openrouter_chat_primary"));
        Assert.False(await survivor.Redis.KeyExistsAsync("admit:chat:inflight:user:user%3A7"));
        await Eventually.TrueAsync(async () => !await survivor.Redis.KeyExistsAsync(RedisKeys.LeasesOf(killed.Id.ToString())));
        Assert.Equal(["stays"], await HoldersAsync(survivor));
        Assert.False(staying.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_stopped_replica_leaves_no_leases_and_no_heartbeat()
    {
        await using var replica = await Replica.ConnectAsync(await EmptyRedisAsync());
        var reader = replica.Redis;
        await replica.RunAsync();
        await Eventually.TrueAsync(async () => await reader.SortedSetLengthAsync(RedisKeys.Replicas) == 1);
        await replica.AdmitAsync("one", "user:a");

        await replica.Get<LeaseKeeper>().StopAsync(default);
        await replica.Get<ReplicaHeartbeat>().StopAsync(default);

        Assert.Equal(0, await reader.SortedSetLengthAsync(Global));
        Assert.Equal(0, await reader.SortedSetLengthAsync(RedisKeys.Replicas));
    }

    [Fact]
    public async Task Another_replica_revokes_the_leases_of_a_turn_and_their_holder_is_notified()
    {
        var redis = await EmptyRedisAsync();
        await using var owner = await Replica.ConnectAsync(redis);
        await using var other = await Replica.ConnectAsync(redis);
        await owner.RunAsync();
        await other.RunAsync();
        await Eventually.TrueAsync(async () => await other.Redis.SortedSetLengthAsync(RedisKeys.Replicas) == 2);
        await owner.Keeper.RunRoundAsync(default);
        var detached = await owner.AdmitAsync("detached", "user:a");
        var secondary = await owner.Bulkheads.AcquireAsync("openrouter_chat_secondary", "detached", default);
        var lost = new TaskCompletionSource();
        detached.Lost.Register(lost.SetResult);

        Assert.True(await other.Admission.ReleaseAsync("user:a", "detached"));
        await using var next = await other.AdmitAsync("next", "user:a");
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.True(secondary.Lease!.Lost.IsCancellationRequested);
        await owner.Keeper.RunRoundAsync(default);
        await detached.DisposeAsync();
        Assert.Equal(["next"], await HoldersAsync(other));
        Assert.Equal(0, await other.Redis.SortedSetLengthAsync("bulkhead:openrouter_chat_secondary"));
    }

    [Fact]
    public async Task The_leases_of_reclaimed_runs_are_released_and_not_acquired_again()
    {
        var redis = await EmptyRedisAsync();
        await using var worker = await Replica.ConnectAsync(redis);
        await using var other = await Replica.ConnectAsync(redis);
        string[] holders =
        [
            RunLeases.HolderOf("job:1:1"), RunLeases.HolderOf("job:1:1"), RunLeases.HolderOf("job:1:2"), RunLeases.HolderOf("job:2:1"),
            "turn",
        ];
        var leases = new List<HeldLease>();
        foreach (var holder in holders)
        {
            leases.Add((await worker.Claims.TakeAsync(holder, [worker.Bulkheads.Claim("serper_search")], [], default)).Lease!);
        }

        var released = await other.Get<RunLeases>().ReleaseAsync(worker.Id, ["job:1:1", "job:3:1"], default);
        leases.ForEach(lease => lease.RenewAt = 0);
        await worker.Keeper.RunRoundAsync(default);

        Assert.Equal(2, released);
        Assert.Equal([true, true, false, false, false], leases.Select(lease => lease.Lost.IsCancellationRequested));
        Assert.Equal(
            holders[2..].Order(StringComparer.Ordinal),
            (await HoldersAsync(other, "bulkhead:serper_search")).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_suspended_process_loses_the_leases_that_others_have_acquired_and_keeps_the_rest()
    {
        var redis = await EmptyRedisAsync();
        await using var suspended = await Replica.ConnectAsync(redis);
        await using var other = await Replica.ConnectAsync(redis);
        var lost = await suspended.Claims.TakeAsync("lost", [new LeaseClaim("user", "u1", 1, TimeSpan.FromSeconds(30))], [], default);
        var kept = await suspended.Claims.TakeAsync("kept", [new LeaseClaim("user", "u2", 1, TimeSpan.FromSeconds(30))], [], default);
        foreach (var lease in new[] { lost.Lease!, kept.Lease! })
        {
            (lease.MayBeTakenOver, lease.RenewAt) = (true, 0);
        }

        await other.Redis.KeyDeleteAsync(["u1", "u2"]);
        await other.Claims.TakeAsync("new", [new LeaseClaim("user", "u1", 1, TimeSpan.FromSeconds(30))], [], default);
        await suspended.Keeper.RunRoundAsync(default);

        Assert.True(lost.Lease!.Lost.IsCancellationRequested);
        Assert.False(kept.Lease!.Lost.IsCancellationRequested);
        Assert.Equal(["new"], await HoldersAsync(other, "u1"));
        Assert.Equal(["kept"], await HoldersAsync(other, "u2"));
    }

    [Fact]
    public async Task Running_turns_acquire_their_leases_again_after_Redis_lost_them()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(server.ConnectionString);
        await replica.RunAsync();
        var tickets = new List<AdmissionTicket>();
        for (var n = 0; n < 50; n++)
        {
            tickets.Add(await replica.AdmitAsync($"turn {n}", $"user:{n}"));
        }

        await server.KillAsync();
        await tickets[0].DisposeAsync();
        await tickets[1].DisposeAsync();
        Assert.True(Assert.IsType<AdmissionDecision.Admitted>(await replica.RequestAdmissionAsync("meanwhile", "user:new")).Local);
        Assert.Equal(
            "user_inflight", Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("again", "user:7")).Reason);
        await server.StartAgainAsync();

        await Eventually.TrueAsync(async () => await LengthAsync(replica, Global) == 49);
        Assert.All(tickets, ticket => Assert.False(ticket.Lost.IsCancellationRequested));
        Assert.False(Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("again", "user:7")).Local);
        foreach (var ticket in tickets)
        {
            await ticket.DisposeAsync();
        }

        await Eventually.TrueAsync(async () => await LengthAsync(replica, Global) == 1);
        Assert.Contains("meanwhile", await HoldersAsync(replica));
    }

    [Fact]
    public async Task A_hanging_Redis_delays_a_decision_by_50_ms_and_late_leases_are_released()
    {
        await using var server = await RedisServer.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var replica = await Replica.ConnectAsync(
            server.ConnectionString, time: time, knobs: [("REDIS_DECISION_TIMEOUT_MS", "50"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true")]);
        await replica.AdmitAsync("before", "user:before");
        await server.PauseAsync();

        var pending = Enumerable.Range(0, 5).Select(n => replica.RequestAdmissionAsync($"hanging {n}", $"user:{n}")).ToArray();
        Assert.All(pending, decision => Assert.False(decision.IsCompleted));
        time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.All(
            await Task.WhenAll(pending),
            decision => Assert.Equal("redis_unavailable", Assert.IsType<AdmissionDecision.Denied>(decision).Reason));

        // The replica now treats Redis as unavailable and decides without waiting.
        Assert.True(replica.RequestAdmissionAsync("later", "user:later").IsCompleted);

        await server.ResumeAsync();
        await Eventually.TrueAsync(async () =>
        {
            await replica.Keeper.RunRoundAsync(default);
            return await LengthAsync(replica, Global) == 1;
        });
        time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(async () => await replica.RequestAdmissionAsync("after", "user:after") is AdmissionDecision.Admitted);
    }

    [Fact]
    public async Task Leases_that_Redis_takes_after_the_timeout_are_released_before_the_next_round()
    {
        await using var server = await RedisServer.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var replica = await Replica.ConnectAsync(
            server.ConnectionString, time: time, knobs: [("REDIS_DECISION_TIMEOUT_MS", "50"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true")]);
        await using var other = await replica.AdmitAsync("other", "user:other");
        await replica.RunAsync();
        await server.PauseAsync();

        var late = replica.RequestAdmissionAsync("late", "user:a");
        time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.Equal("redis_unavailable", Assert.IsType<AdmissionDecision.Denied>(await late).Reason);
        await server.ResumeAsync();

        // The clock stands still, so no round begins.
        await Eventually.TrueAsync(async () => await replica.RequestAdmissionAsync("next", "user:a") is AdmissionDecision.Admitted);
        Assert.Equal(["next", "other"], (await HoldersAsync(replica)).Order());
    }

    [Fact]
    public async Task One_round_renews_two_thousand_leases()
    {
        await using var replica = await Replica.ConnectAsync(
            await EmptyRedisAsync(),
            knobs: [
                ("ADMISSION_GLOBAL_MAX_INFLIGHT", "5000"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "100000"),
                ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "200000")]);
        var tickets = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(n => replica.AdmitAsync($"turn {n}", $"user:{n}")));
        var before = await replica.Redis.SortedSetScoreAsync(Global, "turn 0");
        var renewals = RenewalBatch.Of([.. tickets.Take(500).Select(ticket => ticket.Held!)]);

        Assert.Equal(501, renewals.Keys.Length);
        foreach (var ticket in tickets)
        {
            ticket.Held!.RenewAt = 0;
        }

        await replica.Keeper.RunRoundAsync(default);

        Assert.True(await replica.Redis.SortedSetScoreAsync(Global, "turn 0") > before);
        Assert.Equal(2_000, await replica.Redis.SortedSetLengthAsync(Global));
        await Task.WhenAll(tickets.Select(ticket => ticket.DisposeAsync().AsTask()));
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync(Global));
    }

    private async Task<string> EmptyRedisAsync() => (await stores.RedisAsync()).CreateDatabase();

    /// <summary>The expiry of the lease in milliseconds since 1970, by the clock of Redis; 0 without a lease.</summary>
    private static async Task<double> ScoreAsync(Replica replica, string holder) =>
        await replica.Redis.SortedSetScoreAsync(Global, holder) ?? 0;

    private static async Task<string[]> HoldersAsync(Replica replica, string key = Global) =>
        [.. (await replica.Redis.SortedSetRangeByRankAsync(key)).Select(holder => holder.ToString())];

    /// <summary>The number of leases; -1 while Redis is unavailable.</summary>
    private static async Task<long> LengthAsync(Replica replica, string key)
    {
        try
        {
            return await replica.Redis.SortedSetLengthAsync(key);
        }
        catch (Exception exception) when (exception is StackExchange.Redis.RedisException or TimeoutException)
        {
            return -1;
        }
    }
}
