using Sendcat.Reliability.Admission;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Budgets whose cost is known afterwards: reserved with admission, set right when the turn has ended.</summary>
public sealed class BudgetTests(SharedStores stores)
{
    private const int Budget = 10_000;

    [Fact]
    public async Task Fifty_turns_at_once_over_two_replicas_do_not_get_in_on_a_budget_for_ten()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(n => AskAsync(n % 2 == 0 ? one : two, $"turn {n}", estimate: 1_000).AsTask()));

        Assert.Equal(10, decisions.OfType<AdmissionDecision.Admitted>().Count());
        Assert.All(decisions.OfType<AdmissionDecision.Denied>(), denied => Assert.InRange(denied.RetryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)));

        // They cost a tenth of what was reserved: as many again fit, and then some.
        await Task.WhenAll(decisions.OfType<AdmissionDecision.Admitted>().Select(admitted => admitted.Ticket.SpentAsync(100, 0).AsTask()));
        Assert.Equal(1_000, await SpentAsync(one));
        Assert.IsType<AdmissionDecision.Admitted>(await AskAsync(two, "later", estimate: 9_000));
    }

    [Fact]
    public async Task A_turn_is_never_dearer_than_a_tenth_of_the_budget_before_it_is_known()
    {
        await using var replica = await ReplicaAsync();

        await AskAsync(replica, "one", estimate: 1_000_000);

        Assert.Equal(Budget / 10, await SpentAsync(replica));
    }

    [Fact]
    public async Task What_a_turn_spent_counts_once_and_what_it_did_not_spend_is_free_again()
    {
        await using var replica = await ReplicaAsync();
        var dear = Assert.IsType<AdmissionDecision.Admitted>(await AskAsync(replica, "dear", estimate: 1_000)).Ticket;
        var failed = Assert.IsType<AdmissionDecision.Admitted>(await AskAsync(replica, "failed", estimate: 1_000)).Ticket;
        var withdrawn = Assert.IsType<AdmissionDecision.Admitted>(await AskAsync(replica, "withdrawn", estimate: 1_000)).Ticket;

        await dear.SpentAsync(12_345, 0);
        await dear.SpentAsync(12_345, 0);
        await failed.SpentAsync(0, 0);
        await withdrawn.WithdrawAsync();
        await withdrawn.SpentAsync(500, 0);

        Assert.Equal(12_345, await SpentAsync(replica));
    }

    [Fact]
    public async Task Tokens_and_money_are_set_right_each_in_its_unit_and_in_one_command()
    {
        await using var own = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(own.ConnectionString);
        WindowClaim[] claims = [Reserve(replica, RateLimitBucket.ChatTokens, 1_000), Reserve(replica, RateLimitBucket.ChatAddressTokens, 1_000), Reserve(replica, RateLimitBucket.ChatMoney, 40_000)];
        // The first call of a script brings its text along.
        await Assert.IsType<AdmissionDecision.Admitted>(await replica.AskAsync("zero", "user:bob", claims)).Ticket.SpentAsync(0, 0);
        var ticket = Assert.IsType<AdmissionDecision.Admitted>(await replica.AskAsync("one", "user:ann", claims)).Ticket;
        var before = await CallsAsync(replica);

        await ticket.SpentAsync(300, 55_000);

        Assert.Equal(before + 1, await CallsAsync(replica));
        Assert.Equal((300, 300, 55_000), (await SpentAsync(replica, "chat_tokens"), await SpentAsync(replica, "chat_address_tokens"), await SpentAsync(replica, "chat_money")));
    }

    [Fact]
    public async Task A_budget_of_nothing_is_off()
    {
        await using var replica = await ReplicaAsync();

        Assert.Null(replica.Limiter.Reserve(RateLimitBucket.ChatGlobalTokens, new("all"), 1_000));
    }

    [Fact]
    public async Task A_reservation_whose_process_died_is_over_a_window_later()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var replica = await ReplicaAsync(redis);
        await AskAsync(replica, "one", estimate: 1_000);
        replica.Kill();

        await using var other = await ReplicaAsync(redis);
        var left = await other.Redis.KeyTimeToLiveAsync(RedisKeys.RateLimit("chat_tokens", "user:ann"));

        Assert.InRange(left!.Value, TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task What_was_decided_without_redis_is_counted_there_in_full_when_it_is_back()
    {
        await using var own = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(own.ConnectionString, null, null, ("RATE_LIMIT_CHAT_TOKENS_MAX", "10000"), ("REDIS_SUSPEND_MS", "100"));
        await own.KillAsync();
        var local = Assert.IsType<AdmissionDecision.Admitted>(await AskAsync(replica, "local", estimate: 1_000));
        Assert.True(local.Local);

        await own.StartAgainAsync();
        await Until.TrueAsync(async () => await AskAsync(replica, Guid.NewGuid().ToString(), estimate: 1) is AdmissionDecision.Admitted { Local: false });
        await local.Ticket.SpentAsync(400, 0);

        Assert.InRange(await SpentAsync(replica), 401, 500);
    }

    private static ValueTask<AdmissionDecision> AskAsync(Replica replica, string stream, long estimate) =>
        new(replica.Admission.AdmitAsync(new() { StreamId = stream, Principal = $"user:{stream}", OtherClaims = [Reserve(replica, RateLimitBucket.ChatTokens, estimate)] }, default).AsTask());

    private static WindowClaim Reserve(Replica replica, RateLimitBucket bucket, long estimate) => replica.Limiter.Reserve(bucket, new("user:ann"), estimate)!;

    private static async Task<int> SpentAsync(Replica replica, string bucket = "chat_tokens")
    {
        var counted = ((string?)await replica.Redis.StringGetAsync(RedisKeys.RateLimit(bucket, "user:ann")))!.Split(' ');
        return int.Parse(counted[1]) + int.Parse(counted[2]);
    }

    private static async Task<long> CallsAsync(Replica replica)
    {
        var stats = (string?)await replica.Redis.ExecuteAsync("INFO", "commandstats") ?? "";
        return stats.Split('\n').Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal)).Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0]));
    }

    private async Task<Replica> ReplicaAsync(string? redis = null) => await Replica.ConnectAsync(
        redis ?? (await stores.RedisAsync()).CreateDatabase(), null, null, ("RATE_LIMIT_CHAT_TOKENS_MAX", $"{Budget}"), ("BUDGET_USD_PER_PRINCIPAL_PER_DAY", "1"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"),
        ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "2000"));
}
