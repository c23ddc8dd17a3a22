using Sendcat.Reliability.Admission;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Budgets of tokens and money: admission reserves an estimate, and settlement corrects it when the turn has ended.</summary>
public sealed class BudgetTests(SharedStores stores)
{
    private const int Budget = 10_000;

    [Fact]
    public async Task Of_fifty_concurrent_turns_on_two_replicas_a_budget_for_ten_admits_ten()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);

        var decisions = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(n => RequestAdmissionAsync(n % 2 == 0 ? one : two, $"turn {n}", estimate: 1_000).AsTask()));

        Assert.Equal(10, decisions.OfType<AdmissionDecision.Admitted>().Count());
        Assert.All(
            decisions.OfType<AdmissionDecision.Denied>(),
            denied => Assert.InRange(denied.RetryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)));

        // The turns cost a tenth of their reservations, so nine tenths of the budget are free again.
        await Task.WhenAll(decisions.OfType<AdmissionDecision.Admitted>().Select(admitted => admitted.Ticket.SpentAsync(100, 0).AsTask()));
        Assert.Equal(1_000, await SpentAsync(one));
        Assert.IsType<AdmissionDecision.Admitted>(await RequestAdmissionAsync(two, "later", estimate: 9_000));
    }

    [Fact]
    public async Task A_reservation_is_at_most_a_tenth_of_the_budget()
    {
        await using var replica = await ReplicaAsync();

        await RequestAdmissionAsync(replica, "one", estimate: 1_000_000);

        Assert.Equal(Budget / 10, await SpentAsync(replica));
    }

    [Fact]
    public async Task A_reservation_is_at_least_what_one_call_costs()
    {
        await using var replica = await ReplicaAsync();

        await replica.RequestAdmissionAsync(
            "one", "user:ann", replica.Limiter.Reserve(RateLimitBucket.ChatMoney, new("user:ann"), 500_000, least: 250_000)!);

        Assert.Equal(250_000, await SpentAsync(replica, "chat_money"));
        var refused = await replica.RequestAdmissionAsync(
            "two", "user:bob", replica.Limiter.Reserve(RateLimitBucket.ChatMoney, new("user:ann"), 1, least: 750_001)!);
        Assert.Equal("chat_money", Assert.IsType<AdmissionDecision.Denied>(refused).Reason);
    }

    [Fact]
    public async Task Money_is_reserved_further_before_it_is_spent_and_never_beyond_the_budget()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await ReplicaAsync(redis);
        await using var two = await ReplicaAsync(redis);
        var first = Assert.IsType<AdmissionDecision.Admitted>(
            await one.RequestAdmissionAsync("one", "user:ann", Reserve(one, RateLimitBucket.ChatMoney, 100_000))).Ticket;
        var second = Assert.IsType<AdmissionDecision.Admitted>(
            await two.RequestAdmissionAsync("two", "user:bob", Reserve(two, RateLimitBucket.ChatMoney, 100_000))).Ticket;
        Assert.True(first.HasMoneyBudget);

        Assert.Null(await first.ReserveMoneyAsync(90_000));
        Assert.Equal(200_000, await SpentAsync(one, "chat_money"));
        Assert.Null(await first.ReserveMoneyAsync(700_000));
        Assert.Null(await first.ReserveMoneyAsync(650_000));
        Assert.Equal(800_000, await SpentAsync(one, "chat_money"));
        var refused = await second.ReserveMoneyAsync(300_001);
        Assert.Equal("chat_money", refused!.Reason);
        Assert.InRange(refused.RetryAfter, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Assert.Equal(800_000, await SpentAsync(one, "chat_money"));

        await first.SpentAsync(0, 120_000);
        Assert.Equal(220_000, await SpentAsync(one, "chat_money"));
        Assert.Null(await second.ReserveMoneyAsync(880_000));
        await second.WithdrawAsync();
        Assert.Equal(120_000, await SpentAsync(one, "chat_money"));
    }

    [Fact]
    public async Task A_cost_that_stays_unknown_counts_as_what_was_reserved()
    {
        await using var replica = await ReplicaAsync();
        var ticket = Assert.IsType<AdmissionDecision.Admitted>(
            await replica.RequestAdmissionAsync("one", "user:ann", Reserve(replica, RateLimitBucket.ChatMoney, 40_000))).Ticket;
        Assert.Null(await ticket.ReserveMoneyAsync(60_000));

        await ticket.SpentAsync(10, null);

        Assert.Equal(60_000, await SpentAsync(replica, "chat_money"));
    }

    [Theory]
    [InlineData("true", "redis_unavailable")]
    [InlineData("false", null)]
    public async Task Without_Redis_a_further_reservation_is_refused_or_decided_by_the_process_as_admission_is(
        string failClosed, string? reason)
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(
            server.ConnectionString, null, null, ("BUDGET_USD_PER_PRINCIPAL_PER_DAY", "1"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", failClosed));
        var ticket = Assert.IsType<AdmissionDecision.Admitted>(
            await replica.RequestAdmissionAsync("one", "user:ann", Reserve(replica, RateLimitBucket.ChatMoney, 40_000))).Ticket;
        await server.KillAsync();

        Assert.Equal(reason, (await ticket.ReserveMoneyAsync(60_000))?.Reason);
        Assert.Equal(reason ?? "chat_money", (await ticket.ReserveMoneyAsync(1_000_001))?.Reason);
    }

    [Fact]
    public async Task The_cost_of_a_turn_counts_once_and_the_rest_of_its_reservation_is_released()
    {
        await using var replica = await ReplicaAsync();
        var expensive = Assert.IsType<AdmissionDecision.Admitted>(
            await RequestAdmissionAsync(replica, "expensive", estimate: 1_000)).Ticket;
        var failed = Assert.IsType<AdmissionDecision.Admitted>(await RequestAdmissionAsync(replica, "failed", estimate: 1_000)).Ticket;
        var withdrawn = Assert.IsType<AdmissionDecision.Admitted>(
            await RequestAdmissionAsync(replica, "withdrawn", estimate: 1_000)).Ticket;

        await expensive.SpentAsync(12_345, 0);
        await expensive.SpentAsync(12_345, 0);
        await failed.SpentAsync(0, 0);
        await withdrawn.WithdrawAsync();
        await withdrawn.SpentAsync(500, 0);

        Assert.Equal(12_345, await SpentAsync(replica));
    }

    [Fact]
    public async Task Tokens_and_money_are_settled_in_their_units_with_one_command()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await ReplicaAsync(server.ConnectionString);
        WindowClaim[] claims =
        [
            Reserve(replica, RateLimitBucket.ChatTokens, 1_000), Reserve(replica, RateLimitBucket.ChatAddressTokens, 1_000),
            Reserve(replica, RateLimitBucket.ChatMoney, 40_000),
        ];
        // The first use of a script also loads its text, which is a further command.
        await Assert.IsType<AdmissionDecision.Admitted>(
            await replica.RequestAdmissionAsync("zero", "user:bob", claims)).Ticket.SpentAsync(0, 0);
        var ticket = Assert.IsType<AdmissionDecision.Admitted>(await replica.RequestAdmissionAsync("one", "user:ann", claims)).Ticket;
        var before = await ScriptCallsAsync(replica);

        await ticket.SpentAsync(300, 55_000);

        Assert.Equal(before + 1, await ScriptCallsAsync(replica));
        Assert.Equal(
            (300, 300, 55_000),
            (await SpentAsync(replica, "chat_tokens"), await SpentAsync(replica, "chat_address_tokens"),
                await SpentAsync(replica, "chat_money")));
    }

    [Fact]
    public async Task A_budget_of_zero_is_disabled()
    {
        await using var replica = await ReplicaAsync();

        Assert.Null(replica.Limiter.Reserve(RateLimitBucket.ChatGlobalTokens, new("all"), 1_000));
    }

    [Fact]
    public async Task The_reservation_of_a_killed_process_expires_after_one_window()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var replica = await ReplicaAsync(redis);
        await RequestAdmissionAsync(replica, "one", estimate: 1_000);
        replica.Kill();

        await using var other = await ReplicaAsync(redis);
        var ttl = await other.Redis.KeyTimeToLiveAsync(RedisKeys.RateLimit("chat_tokens", "user:ann"));

        Assert.InRange(ttl!.Value, TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task The_cost_of_a_turn_admitted_without_Redis_is_counted_in_full_when_Redis_returns()
    {
        await using var server = await RedisServer.StartAsync();
        await using var replica = await Replica.ConnectAsync(
            server.ConnectionString, null, null, ("RATE_LIMIT_CHAT_TOKENS_MAX", "10000"), ("REDIS_SUSPEND_MS", "100"));
        await server.KillAsync();
        var local = Assert.IsType<AdmissionDecision.Admitted>(await RequestAdmissionAsync(replica, "local", estimate: 1_000));
        Assert.True(local.Local);

        await server.StartAgainAsync();

        // The replica uses Redis again after a suspension of 100 ms, and no signal reports it to the test.
        await Eventually.TrueAsync(
            async () => await RequestAdmissionAsync(
                replica, Guid.NewGuid().ToString(), estimate: 1) is AdmissionDecision.Admitted { Local: false });
        await local.Ticket.SpentAsync(400, 0);

        Assert.InRange(await SpentAsync(replica), 401, 500);
    }

    private static ValueTask<AdmissionDecision> RequestAdmissionAsync(Replica replica, string stream, long estimate) =>
        new(
            replica.Admission.AdmitAsync(
                new()
                {
                    StreamId = stream, Principal = $"user:{stream}", OtherClaims = [Reserve(replica, RateLimitBucket.ChatTokens, estimate)],
                },
                default).AsTask());

    private static WindowClaim Reserve(Replica replica, RateLimitBucket bucket, long estimate) =>
        replica.Limiter.Reserve(bucket, new("user:ann"), estimate)!;

    /// <summary>The total of the current and the previous window, in the unit of the bucket.</summary>
    private static async Task<int> SpentAsync(Replica replica, string bucket = "chat_tokens")
    {
        var counted = ((string?)await replica.Redis.StringGetAsync(RedisKeys.RateLimit(bucket, "user:ann")))!.Split(' ');
        return int.Parse(counted[1]) + int.Parse(counted[2]);
    }

    /// <summary>The number of scripts that Redis has executed.</summary>
    private static async Task<long> ScriptCallsAsync(Replica replica)
    {
        var stats = (string?)await replica.Redis.ExecuteAsync("INFO", "commandstats") ?? "";
        return stats.Split('\n').Where(line => line.StartsWith("cmdstat_eval", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0]));
    }

    private async Task<Replica> ReplicaAsync(string? redis = null) => await Replica.ConnectAsync(
        redis ?? (await stores.RedisAsync()).CreateDatabase(), null, null, ("RATE_LIMIT_CHAT_TOKENS_MAX", $"{Budget}"),
        ("BUDGET_USD_PER_PRINCIPAL_PER_DAY", "1"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"),
        ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "2000"));
}
