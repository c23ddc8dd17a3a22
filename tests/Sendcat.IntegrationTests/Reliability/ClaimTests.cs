using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Claims of slots and windows with a real Redis: caps, atomicity, settlement and release.</summary>
public sealed class ClaimTests(SharedStores stores)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_cap_over_four_replicas_is_used_and_never_exceeded()
    {
        var redis = await EmptyRedisAsync();
        await using var one = await Replica.ConnectAsync(redis);
        await using var two = await Replica.ConnectAsync(redis);
        await using var three = await Replica.ConnectAsync(redis);
        await using var four = await Replica.ConnectAsync(redis);
        Replica[] replicas = [one, two, three, four];
        var (holding, max, taken) = (0, 0, 0);

        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Work(replicas[worker % 4], worker)));

        Assert.InRange(max, 1, 10);
        Assert.True(taken > 10);
        Assert.Equal(0, await one.Redis.SortedSetLengthAsync("slots"));

        async Task Work(Replica replica, int worker)
        {
            for (var n = 0; n < 50; n++)
            {
                var outcome = await replica.Claims.TakeAsync($"{worker}-{n}", [new LeaseClaim("full", "slots", 10, Minute)], [], default);
                if (outcome.Lease is { } lease)
                {
                    Interlocked.Increment(ref taken);
                    var now = Interlocked.Increment(ref holding);
                    InterlockedMax(ref max, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref holding);
                    await lease.DisposeAsync();
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_leases_of_one_replaced_holder_do_not_count(bool onAnotherReplica)
    {
        var redis = await EmptyRedisAsync();
        await using var one = await Replica.ConnectAsync(redis);
        await using var two = await Replica.ConnectAsync(redis);
        Claim[] claims = [new LeaseClaim("full", "slots", 1, Minute), new WindowClaim("rate", "window", 2, Minute)];
        await one.Claims.TakeAsync("old", claims, [], default);
        var replica = onAnotherReplica ? two : one;

        var without = await replica.Claims.TakeAsync("new", claims, [], default);
        var replacing = await replica.Claims.TakeAsync("new", claims, [], default, replaces: "old");
        var second = await replica.Claims.TakeAsync("newer", claims, [], default, replaces: "old");

        Assert.Equal(("full", ClaimStatus.Taken, "full"), (without.RefusedBy?.Reason, replacing.Status, second.RefusedBy?.Reason));
        Assert.Equal(2, await one.Redis.SortedSetLengthAsync("slots"));
    }

    [Fact]
    public async Task A_refused_claim_changes_nothing_in_Redis()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims =
        [
            new WindowClaim("rate", "window", 100, Minute), new LeaseClaim("full", "slots", 1, Minute),
            new LeaseClaim("free", "wide", 100, Minute),
        ];
        await replica.Claims.TakeAsync(
            "first", claims, claims.OfType<LeaseClaim>().Select(claim => claim with { Key = $"shadow:{claim.Key}" }).ToArray(), default);
        var before = await SnapshotAsync(replica.Redis);

        for (var n = 0; n < 20; n++)
        {
            var outcome = await replica.Claims.TakeAsync($"late {n}", claims, [], default);
            Assert.Equal((ClaimStatus.Refused, "full"), (outcome.Status, outcome.RefusedBy?.Reason));
        }

        Assert.Equal(before, await SnapshotAsync(replica.Redis));
    }

    [Fact]
    public async Task The_first_exceeded_claim_in_order_gives_the_reason()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims = [new LeaseClaim("a", "a", 1, Minute), new WindowClaim("b", "b", 1, Minute), new LeaseClaim("c", "c", 5, Minute)];
        await replica.Claims.TakeAsync("one", claims, [], default);

        Assert.Equal("a", (await replica.Claims.TakeAsync("two", claims, [], default)).RefusedBy?.Reason);
        Assert.Equal("b", (await replica.Claims.TakeAsync("two", [claims[2], claims[1], claims[0]], [], default)).RefusedBy?.Reason);
    }

    [Fact]
    public async Task A_repeated_claim_of_a_holder_takes_no_second_slot()
    {
        await using var replica = await ReplicaAsync();
        var claim = new LeaseClaim("full", "slots", 1, Minute);
        await replica.Claims.TakeAsync("me", [claim], [], default);

        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("me", [claim], [], default)).Status);
        Assert.Equal(ClaimStatus.Refused, (await replica.Claims.TakeAsync("you", [claim], [], default)).Status);
        Assert.Equal(1, await replica.Redis.SortedSetLengthAsync("slots"));
    }

    [Fact]
    public async Task An_exceeded_claim_that_is_not_enforced_is_taken_and_reported()
    {
        await using var replica = await ReplicaAsync();
        Claim[] claims =
        [
            new LeaseClaim("slots", "slots", 1, Minute, Enforced: false), new WindowClaim("rate", "rate", 1, Minute, Enforced: false),
        ];

        var first = await replica.Claims.TakeAsync("one", claims, [], default);
        var second = await replica.Claims.TakeAsync("two", claims, [], default);

        Assert.Empty(first.SoftBlocked);
        Assert.Equal(ClaimStatus.Taken, second.Status);
        Assert.Equal(["slots", "rate"], second.SoftBlocked);
        Assert.Equal(2, await replica.Redis.SortedSetLengthAsync("slots"));
    }

    [Fact]
    public async Task The_window_in_Redis_counts_like_WindowCount()
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

            var outcome = await replica.Claims.TakeAsync(
                "x", [new WindowClaim("rate", "w", max, TimeSpan.FromMilliseconds(length), cost)], [], default);

            var after = await NowAsync(replica.Redis);
            if (model.Fits(now, length, max, cost) != model.Fits(after, length, max, cost) || now / length != after / length)
            {
                continue;
            }

            Assert.Equal(model.Fits(now, length, max, cost), outcome.Status is ClaimStatus.Taken);
            if (outcome.Status is ClaimStatus.Taken)
            {
                Assert.Equal($"{model.Index} {current + cost} {previous}", (string?)await replica.Redis.StringGetAsync("w"));
                Assert.InRange(
                    outcome.Remaining!.Value, (int)(max - model.Used(now, length) - cost) - 1,
                    (int)(max - model.Used(after, length) - cost) + 1);
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
    public async Task The_retry_delay_of_an_overdrawn_window_is_at_most_one_window_and_then_a_claim_fits()
    {
        await using var replica = await ReplicaAsync();
        var claim = new WindowClaim("rate", "w", 10, TimeSpan.FromMilliseconds(400));
        await replica.Claims.TakeAsync("one", [claim], [], default);
        await replica.Claims.SettleAsync(claim, 5_000);

        var refused = await replica.Claims.TakeAsync("two", [claim], [], default);

        // Windows use the clock of Redis, which a test cannot advance.
        await Task.Delay(
            refused.RetryAfter!.Value + TimeSpan.FromMilliseconds(2), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.InRange(refused.RetryAfter.Value, TimeSpan.FromMilliseconds(1), claim.Window);
        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("three", [claim], [], default)).Status);
    }

    [Fact]
    public async Task A_settlement_changes_the_window_of_its_claim_and_does_not_extend_the_expiry()
    {
        await using var replica = await ReplicaAsync();
        var window = new WindowClaim("rate", "w", 1_000, TimeSpan.FromHours(1), 100);
        var index = await NowAsync(replica.Redis) / 3_600_000;
        await replica.Redis.StringSetAsync("w", $"{index} 7 150", TimeSpan.FromMinutes(5));
        var hourAgo = TimeProvider.System.GetTimestamp() - (3_600 * TimeProvider.System.TimestampFrequency);

        await replica.Claims.SettleAsync([new(new(window, hourAgo, Local: false), 40)]);

        Assert.Equal($"{index} 7 90", (string?)await replica.Redis.StringGetAsync("w"));
        Assert.InRange((await replica.Redis.KeyTimeToLiveAsync("w"))!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Leases_match_their_model_for_a_random_order_of_claims_and_releases()
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
                var outcome = await replica.Claims.TakeAsync(
                    $"h{n}", [.. keys.Select(key => new LeaseClaim(key, key, caps[key], Minute))], [], default);
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
    public async Task Ten_thousand_concurrent_claims_leave_no_leases_however_they_end()
    {
        await using var replica = await ReplicaAsync();
        await Task.WhenAll(Enumerable.Range(0, 64).Select(Work));

        await replica.Keeper.RunRoundAsync(default);
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync("global"));
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync("slots"));
        Assert.Equal(0, await replica.Redis.HashLengthAsync(RedisKeys.LeasesOf(replica.Id.ToString())));
        Assert.Equal(0, replica.Keeper.HeldAt("global"));

        async Task Work(int worker)
        {
            for (var n = 0; n < 157; n++)
            {
                var holder = $"{worker}-{n}";
                Claim[] claims =
                [
                    new LeaseClaim("user", $"user:{worker}", 1, Minute), new LeaseClaim("global", "global", 50, Minute),
                    new LeaseClaim("slots", "slots", 40, Minute),
                ];
                using var cancelling = new CancellationTokenSource();
                var claim = replica.Claims.TakeAsync(holder, claims, [claims[1] with { Key = "shadow:global" }], cancelling.Token);
                if (n % 5 == 0)
                {
                    await cancelling.CancelAsync();
                }

                try
                {
                    if ((await claim).Lease is { } lease)
                    {
                        await Task.WhenAll(lease.DisposeAsync().AsTask(), lease.DisposeAsync().AsTask());
                    }
                }
                catch (OperationCanceledException)
                {
                    // The caller cancelled while Redis decided.
                }
            }
        }
    }

    [Fact]
    public async Task A_delayed_release_does_not_release_a_lease_acquired_since()
    {
        await using var replica = await ReplicaAsync();
        var claim = new LeaseClaim("full", "slots", 2, Minute);
        replica.Keeper.ReleaseLater("turn", [claim]);
        Assert.Equal(ClaimStatus.Taken, (await replica.Claims.TakeAsync("turn", [claim], [], default)).Status);

        await replica.Keeper.RunRoundAsync(default);

        Assert.Equal(1, await replica.Redis.SortedSetLengthAsync("slots"));
    }

    private async Task<string> EmptyRedisAsync() => (await stores.RedisAsync()).CreateDatabase();

    private async Task<Replica> ReplicaAsync() => await Replica.ConnectAsync(await EmptyRedisAsync());

    /// <summary>The time of Redis in milliseconds since 1970.</summary>
    private static async Task<long> NowAsync(IDatabase redis)
    {
        var time = (string[]?)await redis.ExecuteAsync("TIME");
        return (long.Parse(time![0]) * 1000) + (long.Parse(time[1]) / 1000);
    }

    /// <summary>Every key with its value and its expiry (ms since 1970).</summary>
    private static async Task<string[]> SnapshotAsync(IDatabase redis)
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

    private static void InterlockedMax(ref int max, int value)
    {
        for (var current = Volatile.Read(ref max); value > current; current = Volatile.Read(ref max))
        {
            Interlocked.CompareExchange(ref max, value, current);
        }
    }
}
