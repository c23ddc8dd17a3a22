using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Reliability;

public sealed class ClaimTests(SharedStores stores)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Over_four_replicas_a_cap_is_reached_and_never_exceeded()
    {
        var redis = await EmptyRedisAsync();
        await using var one = await Replica.ConnectAsync(redis);
        await using var two = await Replica.ConnectAsync(redis);
        await using var three = await Replica.ConnectAsync(redis);
        await using var four = await Replica.ConnectAsync(redis);
        Replica[] replicas = [one, two, three, four];
        var (holding, most, taken) = (0, 0, 0);

        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Work(replicas[worker % 4], worker)));

        Assert.InRange(most, 1, 10);
        Assert.True(taken > 10);
        Assert.Equal(0, await one.Redis.SortedSetLengthAsync("lane"));

        async Task Work(Replica replica, int worker)
        {
            for (var n = 0; n < 50; n++)
            {
                var outcome = await replica.Claims.TakeAsync($"{worker}-{n}", [new LeaseClaim("full", "lane", 10, Minute)], [], default);
                if (outcome.Lease is { } lease)
                {
                    Interlocked.Increment(ref taken);
                    var now = Interlocked.Increment(ref holding);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref holding);
                    await lease.DisposeAsync();
                }
            }
        }
    }

    [Fact]
    public async Task A_refusal_changes_nothing_at_all()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims = [new WindowClaim("rate", "window", 100, Minute), new LeaseClaim("full", "lane", 1, Minute), new LeaseClaim("free", "wide", 100, Minute)];
        await replica.Claims.TakeAsync("first", claims, claims.OfType<LeaseClaim>().Select(claim => claim with { Key = $"shadow:{claim.Key}" }).ToArray(), default);
        var before = await EverythingAsync(replica.Redis);

        for (var n = 0; n < 20; n++)
        {
            var outcome = await replica.Claims.TakeAsync($"late {n}", claims, [], default);
            Assert.Equal((ClaimStatus.Refused, "full"), (outcome.Status, outcome.RefusedBy?.Reason));
        }

        Assert.Equal(before, await EverythingAsync(replica.Redis));
    }

    [Fact]
    public async Task The_first_breached_claim_in_order_gives_the_reason()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims = [new LeaseClaim("a", "a", 1, Minute), new WindowClaim("b", "b", 1, Minute), new LeaseClaim("c", "c", 5, Minute)];
        await replica.Claims.TakeAsync("one", claims, [], default);

        Assert.Equal("a", (await replica.Claims.TakeAsync("two", claims, [], default)).RefusedBy?.Reason);
        Assert.Equal("b", (await replica.Claims.TakeAsync("two", [claims[2], claims[1], claims[0]], [], default)).RefusedBy?.Reason);
    }

    [Fact]
    public async Task The_same_holder_has_its_lease_already()
    {
        await using var replica = await ReplicaAsync();
        var claim = new LeaseClaim("full", "lane", 1, Minute);
        await replica.Claims.TakeAsync("me", [claim], [], default);

        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("me", [claim], [], default)).Status);
        Assert.Equal(ClaimStatus.Refused, (await replica.Claims.TakeAsync("you", [claim], [], default)).Status);
        Assert.Equal(1, await replica.Redis.SortedSetLengthAsync("lane"));
    }

    [Fact]
    public async Task What_is_not_enforced_is_reported_and_taken_all_the_same()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims = [new LeaseClaim("lane", "lane", 1, Minute, Enforced: false), new WindowClaim("rate", "rate", 1, Minute, Enforced: false)];

        var first = await replica.Claims.TakeAsync("one", claims, [], default);
        var second = await replica.Claims.TakeAsync("two", claims, [], default);

        Assert.Empty(first.SoftBlocked);
        Assert.Equal(ClaimStatus.Taken, second.Status);
        Assert.Equal(["lane", "rate"], second.SoftBlocked);
        Assert.Equal(2, await replica.Redis.SortedSetLengthAsync("lane"));
    }

    [Fact]
    public async Task A_window_counts_like_its_model()
    {
        await using var replica = await ReplicaAsync();
        var random = new Random(20260220);
        const long length = 3_600_000;
        for (var n = 0; n < 300; n++)
        {
            var (max, cost, current, previous) = (random.Next(1, 60), random.Next(1, 4), random.Next(0, 60), random.Next(0, 60));
            var now = await NowAsync(replica.Redis);
            var model = new WindowCount(now / length, current, previous);
            await replica.Redis.StringSetAsync("w", $"{model.Index} {current} {previous}");

            var outcome = await replica.Claims.TakeAsync("x", [new WindowClaim("rate", "w", max, TimeSpan.FromMilliseconds(length), cost)], [], default);

            var after = await NowAsync(replica.Redis);
            if (model.Fits(now, length, max, cost) != model.Fits(after, length, max, cost) || now / length != after / length)
            {
                continue;
            }

            Assert.Equal(model.Fits(now, length, max, cost), outcome.Status is ClaimStatus.Taken);
            if (outcome.Status is ClaimStatus.Taken)
            {
                Assert.Equal($"{model.Index} {current + cost} {previous}", (string?)await replica.Redis.StringGetAsync("w"));
                Assert.InRange(outcome.Remaining!.Value, (int)(max - model.Used(now, length) - cost) - 1, (int)(max - model.Used(after, length) - cost) + 1);
            }
            else
            {
                Assert.InRange(
                    outcome.RetryAfter!.Value.TotalMilliseconds,
                    model.UntilFits(after, length, max, cost).TotalMilliseconds - 2,
                    model.UntilFits(now, length, max, cost).TotalMilliseconds + 2);
            }
        }
    }

    [Fact]
    public async Task Nobody_waits_for_an_overdrawn_window_longer_than_it_is_and_after_it_everybody_fits()
    {
        await using var replica = await ReplicaAsync();
        var claim = new WindowClaim("rate", "w", 10, TimeSpan.FromMilliseconds(400));
        await replica.Claims.TakeAsync("one", [claim], [], default);
        await replica.Claims.SettleAsync(claim, 5_000);

        var refused = await replica.Claims.TakeAsync("two", [claim], [], default);
        await Task.Delay(refused.RetryAfter!.Value + TimeSpan.FromMilliseconds(2), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.InRange(refused.RetryAfter.Value, TimeSpan.FromMilliseconds(1), claim.Window);
        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("three", [claim], [], default)).Status);
    }

    [Fact]
    public async Task What_is_settled_goes_back_to_the_window_that_it_was_claimed_in_and_prolongs_nothing()
    {
        await using var replica = await ReplicaAsync();
        var window = new WindowClaim("rate", "w", 1_000, TimeSpan.FromHours(1), 100);
        var index = await NowAsync(replica.Redis) / 3_600_000;
        await replica.Redis.StringSetAsync("w", $"{index} 7 150", TimeSpan.FromMinutes(5));
        var hourAgo = TimeProvider.System.GetTimestamp() - (3_600 * TimeProvider.System.TimestampFrequency);

        await replica.Claims.SettleAsync([new(window, 40)], hourAgo, local: false);

        Assert.Equal($"{index} 7 90", (string?)await replica.Redis.StringGetAsync("w"));
        Assert.InRange((await replica.Redis.KeyTimeToLiveAsync("w"))!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Leases_behave_like_their_model_under_any_order_of_takes_and_returns()
    {
        await using var replica = await ReplicaAsync();
        var random = new Random(5);
        var model = new Dictionary<string, HashSet<string>> { ["a"] = [], ["b"] = [], ["c"] = [] };
        var caps = new Dictionary<string, int> { ["a"] = 3, ["b"] = 5, ["c"] = 2 };
        var held = new List<(HeldLease Lease, string[] Keys)>();
        for (var n = 0; n < 1_500; n++)
        {
            if (held.Count > 0 && random.Next(3) == 0)
            {
                var (lease, keys) = held[random.Next(held.Count)];
                held.Remove((lease, keys));
                await lease.DisposeAsync();
                Array.ForEach(keys, key => model[key].Remove(lease.Holder));
            }
            else
            {
                var keys = model.Keys.Where(_ => random.Next(2) == 0).ToArray();
                var outcome = await replica.Claims.TakeAsync($"h{n}", [.. keys.Select(key => new LeaseClaim(key, key, caps[key], Minute))], [], default);
                var full = keys.FirstOrDefault(key => model[key].Count >= caps[key]);

                Assert.Equal(full, outcome.RefusedBy?.Reason);
                if (outcome.Lease is { } lease)
                {
                    held.Add((lease, keys));
                    Array.ForEach(keys, key => model[key].Add(lease.Holder));
                }
            }
        }

        foreach (var (key, holders) in model)
        {
            Assert.Equal(holders.Order(), (await replica.Redis.SortedSetRangeByRankAsync(key)).Select(it => it.ToString()).Order());
        }
    }

    [Fact]
    public async Task Ten_thousand_takes_ended_in_every_way_leave_nothing_behind()
    {
        await using var replica = await ReplicaAsync();
        await Task.WhenAll(Enumerable.Range(0, 64).Select(Work));

        await replica.Keeper.RunRoundAsync(default);
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync("global"));
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync("lane"));
        Assert.Equal(0, await replica.Redis.HashLengthAsync(RedisKeys.LeasesOf(replica.Id.ToString())));
        Assert.Equal(0, replica.Keeper.HeldAt("global"));

        async Task Work(int worker)
        {
            for (var n = 0; n < 157; n++)
            {
                var holder = $"{worker}-{n}";
                Claim[] claims = [new LeaseClaim("user", $"user:{worker}", 1, Minute), new LeaseClaim("global", "global", 50, Minute), new LeaseClaim("lane", "lane", 40, Minute)];
                using var leaving = new CancellationTokenSource();
                var asking = replica.Claims.TakeAsync(holder, claims, [claims[1] with { Key = "shadow:global" }], leaving.Token);
                if (n % 5 == 0)
                {
                    await leaving.CancelAsync();
                }

                try
                {
                    if ((await asking).Lease is { } lease)
                    {
                        await Task.WhenAll(lease.DisposeAsync().AsTask(), lease.DisposeAsync().AsTask());
                    }
                }
                catch (OperationCanceledException)
                {
                    // The caller left while Redis was deciding.
                }
            }
        }
    }

    [Fact]
    public async Task A_decision_is_one_command()
    {
        await using var own = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(own.ConnectionString);
        Claim[] claims =
        [
            new LeaseClaim("user", "u", 5, Minute), new LeaseClaim("global", "g", 5, Minute), new WindowClaim("msg", "m", 9, Minute), new WindowClaim("tool", "t", 9, Minute, 2),
            new WindowClaim("limit", "l", 9, Minute), new LeaseClaim("lane", "b", 5, Minute),
        ];
        await replica.Claims.TakeAsync("first", claims, [], default);
        var before = await CallsAsync(replica.Redis);

        await replica.Claims.TakeAsync("second", claims, [new LeaseClaim("shadow", "s", 5, Minute)], default);

        Assert.Equal(before + 1, await CallsAsync(replica.Redis));
    }

    [Fact]
    public async Task A_redis_that_lost_its_scripts_gets_them_again()
    {
        await using var own = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(own.ConnectionString);
        var claim = new LeaseClaim("full", "lane", 2, Minute);
        await replica.Claims.TakeAsync("one", [claim], [], default);
        await replica.Redis.ExecuteAsync("SCRIPT", "FLUSH");

        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("two", [claim], [], default)).Status);
        Assert.Equal(ClaimStatus.Refused, (await replica.Claims.TakeAsync("three", [claim], [], default)).Status);
    }

    [Fact]
    public async Task A_limit_holds_over_two_cold_replicas_while_scripts_are_being_flushed()
    {
        await using var own = await RedisServer.StartAsync();
        await using var flushing = await ConnectionMultiplexer.ConnectAsync(own.ConnectionString);
        for (var round = 0; round < 10; round++)
        {
            var lane = $"lane {round}";
            await using var one = await Replica.ConnectAsync(own.ConnectionString);
            await using var two = await Replica.ConnectAsync(own.ConnectionString);
            using var over = new CancellationTokenSource();
            var flushes = FlushAsync(over.Token);

            var outcomes = await Task.WhenAll(Enumerable.Range(0, 80).Select(n => Task.Run(() =>
                (n % 2 == 0 ? one : two).Claims.TakeAsync($"{round}-{n}", [new LeaseClaim("full", lane, 20, Minute)], [], default, RedisFallback.DecideLocally).AsTask())));

            await over.CancelAsync();
            await flushes;
            Assert.Equal(20, outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken));
            Assert.DoesNotContain(outcomes, outcome => outcome.Local);
            Assert.Equal(20, await one.Redis.SortedSetLengthAsync(lane));
        }

        async Task FlushAsync(CancellationToken over)
        {
            while (!over.IsCancellationRequested)
            {
                await flushing.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");
            }
        }
    }

    [Fact]
    public async Task A_process_that_waits_for_no_answer_keeps_to_the_limit_all_the_same()
    {
        await using var own = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(own.ConnectionString, null, null, ("REDIS_DECISION_TIMEOUT_MS", "5"));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 400).Select(n => Task.Run(() =>
            replica.Claims.TakeAsync($"turn {n}", [new LeaseClaim("full", "lane", 20, Minute)], [], default, RedisFallback.DecideLocally).AsTask())));

        Assert.InRange(outcomes.Count(outcome => outcome.Status is ClaimStatus.Taken), 1, 20);
    }

    [Fact]
    public async Task What_is_given_back_late_does_not_take_away_what_was_got_since()
    {
        await using var replica = await ReplicaAsync();
        var claim = new LeaseClaim("full", "lane", 2, Minute);
        replica.Keeper.ReleaseLater("turn", [claim]);
        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("turn", [claim], [], default)).Status);

        await replica.Keeper.RunRoundAsync(default);

        Assert.Equal(1, await replica.Redis.SortedSetLengthAsync("lane"));
    }

    private async Task<string> EmptyRedisAsync() => (await stores.RedisAsync()).CreateDatabase();

    private async Task<Replica> ReplicaAsync() => await Replica.ConnectAsync(await EmptyRedisAsync());

    private static async Task<long> NowAsync(IDatabase redis)
    {
        var time = (string[]?)await redis.ExecuteAsync("TIME");
        return (long.Parse(time![0]) * 1000) + (long.Parse(time[1]) / 1000);
    }

    private static async Task<long> CallsAsync(IDatabase redis)
    {
        var stats = (string?)await redis.ExecuteAsync("INFO", "commandstats") ?? "";
        return stats.Split('\n').Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal)).Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0]));
    }

    /// <summary>Every key with its value and the moment at which it expires.</summary>
    private static async Task<string[]> EverythingAsync(IDatabase redis)
    {
        var server = redis.Multiplexer.GetServers()[0];
        var all = new List<string>();
        await foreach (var key in server.KeysAsync(redis.Database))
        {
            var dump = Convert.ToHexString((await redis.KeyDumpAsync(key))!);
            all.Add($"{key} {dump} {await redis.ExecuteAsync("PEXPIRETIME", key)}");
        }

        return [.. all.Order()];
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, now, seen);
        }
    }
}
