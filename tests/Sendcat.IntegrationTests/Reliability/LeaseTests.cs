using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>What becomes of leases over time. Lives of a second, since Redis has a clock of its own.</summary>
public sealed class LeaseTests(SharedStores stores)
{
    private const string Global = "admit:chat:inflight:global";

    private static readonly (string, string) Short = ("ADMISSION_TICKET_TTL_MS", "1000");

    [Fact]
    public async Task A_stream_longer_than_its_lease_keeps_its_place_and_gives_it_back()
    {
        await using var replica = await Replica.ConnectAsync(await EmptyRedisAsync(), knobs: Short);
        await replica.RunAsync();
        var ticket = await replica.AdmitAsync("long", "user:a");
        var taken = await ScoreAsync(replica, "long");

        await Until.TrueAsync(async () => await ScoreAsync(replica, "long") > taken + 2_500);
        Assert.Equal("user_inflight", Assert.IsType<AdmissionDecision.Denied>(await replica.AskAsync("second", "user:a")).Reason);
        Assert.False(ticket.Lost.IsCancellationRequested);
        await ticket.DisposeAsync();

        await using var next = await replica.AdmitAsync("third", "user:a");
        Assert.Equal(["third"], await HoldersAsync(replica));
    }

    [Fact]
    public async Task Refused_attempts_keep_no_dead_place_alive()
    {
        var redis = await EmptyRedisAsync();
        await using var dead = await Replica.ConnectAsync(redis, knobs: Short);
        await using var living = await Replica.ConnectAsync(redis, knobs: Short);
        await dead.AdmitAsync("dead", "user:a");
        dead.Kill();
        var refused = 0;

        await Until.TrueAsync(async () =>
        {
            var decision = await living.AskAsync($"try {refused}", "user:a");
            refused += decision is AdmissionDecision.Denied { Reason: "user_inflight" } ? 1 : 0;
            return decision is AdmissionDecision.Admitted;
        });

        Assert.True(refused > 3);
        Assert.Equal([$"try {refused}"], await HoldersAsync(living, "admit:chat:inflight:user:user%3Aa"));
    }

    [Fact]
    public async Task A_killed_replica_s_places_are_freed_by_the_others_long_before_they_run_out()
    {
        var redis = await EmptyRedisAsync();
        (string, string)[] quick = [("REDIS_REPLICA_BEAT_MS", "100"), ("REDIS_REPLICA_DEAD_AFTER_MS", "600"), ("ADMISSION_TICKET_TTL_MS", "600000")];
        await using var doomed = await Replica.ConnectAsync(redis, knobs: quick);
        await using var witness = await Replica.ConnectAsync(redis, knobs: quick);
        await doomed.RunAsync();
        await witness.RunAsync();
        for (var n = 0; n < 100; n++)
        {
            await doomed.AskAsync($"lost {n}", $"user:{n}", doomed.Bulkheads.Claim("openrouter_chat_primary") with { Cap = 1000 });
        }

        await using var staying = await witness.AdmitAsync("stays", "user:stays");
        Assert.Equal(101, await witness.Redis.SortedSetLengthAsync(Global));
        doomed.Kill();

        await Until.TrueAsync(async () => await witness.Redis.SortedSetLengthAsync(Global) == 1);
        Assert.Equal(0, await witness.Redis.SortedSetLengthAsync("bulkhead:openrouter_chat_primary"));
        Assert.False(await witness.Redis.KeyExistsAsync("admit:chat:inflight:user:user%3A7"));
        await Until.TrueAsync(async () => !await witness.Redis.KeyExistsAsync(RedisKeys.LeasesOf(doomed.Id.ToString())));
        Assert.Equal(["stays"], await HoldersAsync(witness));
        Assert.False(staying.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_replica_that_stops_leaves_nothing_behind()
    {
        await using var replica = await Replica.ConnectAsync(await EmptyRedisAsync());
        var reader = replica.Redis;
        await replica.RunAsync();
        await Until.TrueAsync(async () => await reader.SortedSetLengthAsync(RedisKeys.Replicas) == 1);
        await replica.AdmitAsync("one", "user:a");

        await replica.Get<LeaseKeeper>().StopAsync(default);
        await replica.Get<ReplicaHeartbeat>().StopAsync(default);

        Assert.Equal(0, await reader.SortedSetLengthAsync(Global));
        Assert.Equal(0, await reader.SortedSetLengthAsync(RedisKeys.Replicas));
    }

    [Fact]
    public async Task Another_replica_takes_a_turn_s_places_away_and_its_owner_hears_of_it()
    {
        var redis = await EmptyRedisAsync();
        await using var owner = await Replica.ConnectAsync(redis);
        await using var other = await Replica.ConnectAsync(redis);
        await owner.RunAsync();
        await other.RunAsync();
        await Until.TrueAsync(async () => await other.Redis.SortedSetLengthAsync(RedisKeys.Replicas) == 2);
        await owner.Keeper.RunRoundAsync(default);
        var detached = await owner.AdmitAsync("detached", "user:a");
        var secondary = await owner.Bulkheads.AcquireAsync("openrouter_chat_secondary", "detached", default);
        var heard = new TaskCompletionSource();
        detached.Lost.Register(heard.SetResult);

        Assert.True(await other.Admission.ReleaseAsync("user:a", "detached"));
        await using var next = await other.AdmitAsync("next", "user:a");
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.True(secondary.Lease!.Lost.IsCancellationRequested);
        await owner.Keeper.RunRoundAsync(default);
        await detached.DisposeAsync();
        Assert.Equal(["next"], await HoldersAsync(other));
        Assert.Equal(0, await other.Redis.SortedSetLengthAsync("bulkhead:openrouter_chat_secondary"));
    }

    [Fact]
    public async Task A_process_that_stood_still_loses_places_that_others_have_now_and_keeps_the_rest()
    {
        var redis = await EmptyRedisAsync();
        await using var sleeper = await Replica.ConnectAsync(redis);
        await using var other = await Replica.ConnectAsync(redis);
        var lost = await sleeper.Claims.TakeAsync("lost", [new LeaseClaim("user", "u1", 1, TimeSpan.FromSeconds(30))], [], default);
        var kept = await sleeper.Claims.TakeAsync("kept", [new LeaseClaim("user", "u2", 1, TimeSpan.FromSeconds(30))], [], default);
        foreach (var lease in new[] { lost.Lease!, kept.Lease! })
        {
            (lease.MayBeTakenOver, lease.RenewAt) = (true, 0);
        }

        await other.Redis.KeyDeleteAsync(["u1", "u2"]);
        await other.Claims.TakeAsync("new", [new LeaseClaim("user", "u1", 1, TimeSpan.FromSeconds(30))], [], default);
        await sleeper.Keeper.RunRoundAsync(default);

        Assert.True(lost.Lease!.Lost.IsCancellationRequested);
        Assert.False(kept.Lease!.Lost.IsCancellationRequested);
        Assert.Equal(["new"], await HoldersAsync(other, "u1"));
        Assert.Equal(["kept"], await HoldersAsync(other, "u2"));
    }

    [Fact]
    public async Task Living_turns_take_their_places_again_when_redis_forgot_them()
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
        Assert.True(Assert.IsType<AdmissionDecision.Admitted>(await replica.AskAsync("meanwhile", "user:new")).Local);
        Assert.Equal("user_inflight", Assert.IsType<AdmissionDecision.Denied>(await replica.AskAsync("again", "user:7")).Reason);
        await server.StartAgainAsync();

        await Until.TrueAsync(async () => await LengthAsync(replica, Global) == 49);
        Assert.All(tickets, ticket => Assert.False(ticket.Lost.IsCancellationRequested));
        Assert.False(Assert.IsType<AdmissionDecision.Denied>(await replica.AskAsync("again", "user:7")).Local);
        foreach (var ticket in tickets)
        {
            await ticket.DisposeAsync();
        }

        await Until.TrueAsync(async () => await LengthAsync(replica, Global) == 1);
        Assert.Contains("meanwhile", await HoldersAsync(replica));
    }

    [Fact]
    public async Task A_hanging_redis_costs_fifty_milliseconds_and_what_it_takes_later_is_given_back()
    {
        await using var server = await RedisServer.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var replica = await Replica.ConnectAsync(
            server.ConnectionString, time: time, knobs: [("REDIS_DECISION_TIMEOUT_MS", "50"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true")]);
        await replica.AdmitAsync("before", "user:before");
        await server.PauseAsync();

        var asked = Enumerable.Range(0, 5).Select(n => replica.AskAsync($"hanging {n}", $"user:{n}")).ToArray();
        Assert.All(asked, waiting => Assert.False(waiting.IsCompleted));
        time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.All(await Task.WhenAll(asked), decision => Assert.Equal("redis_unavailable", Assert.IsType<AdmissionDecision.Denied>(decision).Reason));

        // Known to be away by now: nobody waits any more.
        Assert.True(replica.AskAsync("later", "user:later").IsCompleted);

        await server.ResumeAsync();
        await Until.TrueAsync(async () =>
        {
            await replica.Keeper.RunRoundAsync(default);
            return await LengthAsync(replica, Global) == 1;
        });
        time.Advance(TimeSpan.FromSeconds(1));
        await Until.TrueAsync(async () => await replica.AskAsync("after", "user:after") is AdmissionDecision.Admitted);
    }

    [Fact]
    public async Task Renewing_many_leases_is_a_few_commands()
    {
        await using var replica = await Replica.ConnectAsync(await EmptyRedisAsync(), knobs: [("ADMISSION_GLOBAL_MAX_INFLIGHT", "5000"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "100000"), ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "200000")]);
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

    private static async Task<double> ScoreAsync(Replica replica, string holder) => await replica.Redis.SortedSetScoreAsync(Global, holder) ?? 0;

    private static async Task<string[]> HoldersAsync(Replica replica, string key = Global) => [.. (await replica.Redis.SortedSetRangeByRankAsync(key)).Select(holder => holder.ToString())];

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
