using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>Admission and the rate limiter with a real Redis: modes, reasons, shares and windows over several replicas.</summary>
public sealed class AdmissionTests(SharedStores stores)
{
    [Fact]
    public async Task Shadow_mode_admits_all_and_reports_exactly_what_enforce_would_refuse()
    {
        await using var replica = await ReplicaAsync(
            ("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_SHADOW_MODE", "true"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "5000"),
            ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "50000"));

        var decisions = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(n => replica.RequestAdmissionAsync($"turn {n}", "user:a")));

        var admitted = decisions.Cast<AdmissionDecision.Admitted>().ToArray();
        Assert.All(admitted, it => Assert.Equal(AdmissionMode.Shadow, it.Mode));
        Assert.Equal(999, admitted.Count(it => it.WouldBlock is ["user_inflight", ..]));
        Assert.Equal(1, await replica.Redis.SortedSetLengthAsync("admit:chat:shadow:inflight:global"));
        Assert.False(await replica.Redis.KeyExistsAsync("admit:chat:inflight:global"));

        await Task.WhenAll(admitted.Select(it => it.Ticket.DisposeAsync().AsTask()));
        Assert.Empty(Assert.IsType<AdmissionDecision.Admitted>(await replica.RequestAdmissionAsync("next", "user:a")).WouldBlock);
    }

    [Fact]
    public async Task Every_dimension_refuses_with_its_own_reason_and_a_jittered_delay()
    {
        await using var replica = await ReplicaAsync(("ADMISSION_GLOBAL_MAX_INFLIGHT", "2"));
        await replica.AdmitAsync("one", "user:a");

        var user = Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("two", "user:a"));
        await replica.AdmitAsync("three", "user:b");
        var global = Assert.IsType<AdmissionDecision.Denied>(await replica.RequestAdmissionAsync("four", "user:c"));

        Assert.Equal(("user_inflight", "global_inflight"), (user.Reason, global.Reason));
        Assert.InRange(user.RetryAfter.TotalMilliseconds, 800, 1_200);
    }

    [Theory]
    [InlineData("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "global_msg_rate")]
    [InlineData("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "global_tool_rate")]
    public async Task Turns_over_the_rate_are_refused(string knob, string reason)
    {
        await using var replica = await ReplicaAsync((knob, "1"));

        var decisions = await Task.WhenAll(Enumerable.Range(0, 50).Select(n => replica.RequestAdmissionAsync($"turn {n}", $"user:{n}")));

        Assert.All(decisions.OfType<AdmissionDecision.Denied>(), denied => Assert.Equal(reason, denied.Reason));
        Assert.InRange(decisions.OfType<AdmissionDecision.Admitted>().Count(), 1, 10);
    }

    [Fact]
    public async Task A_dimension_whose_switch_is_off_only_reports()
    {
        await using var replica = await ReplicaAsync(("ADMISSION_ENFORCE_USER_INFLIGHT", "false"));
        await replica.AdmitAsync("one", "user:a");

        Assert.Equal(
            ["user_inflight"], Assert.IsType<AdmissionDecision.Admitted>(await replica.RequestAdmissionAsync("two", "user:a")).SoftBlocked);
        Assert.Equal(2, await replica.Redis.SortedSetLengthAsync("admit:chat:inflight:user:user%3Aa"));
    }

    [Fact]
    public async Task Shares_of_addresses_and_guests_hold_over_all_replicas()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await Replica.ConnectAsync(redis);
        await using var two = await Replica.ConnectAsync(redis);

        var ofOne = await Task.WhenAll(
            Enumerable.Range(0, 24).Select(n => GuestAsync(n % 2 == 0 ? one : two, n, new LimitKey("ip:203.0.113.7"))));
        var ofMany = await Task.WhenAll(
            Enumerable.Range(100, 24).Select(n => GuestAsync(n % 2 == 0 ? one : two, n, new LimitKey($"ip:198.51.100.{n}"))));
        var user = await one.Admission.AdmitAsync(
            new() { StreamId = "user's", Principal = "user:a", Addresses = [new("ip:192.0.2.1")], RouteSlots = 24 }, default);

        Assert.Equal((4, "address_inflight"), Outcome(ofOne));
        Assert.Equal((15, "guest_inflight"), Outcome(ofMany));
        Assert.IsType<AdmissionDecision.Admitted>(user);
    }

    [Fact]
    public async Task A_network_with_weight_4_has_four_times_the_share_of_an_address()
    {
        await using var replica = await ReplicaAsync(("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "100"));

        var decisions = new List<AdmissionDecision>();
        for (var n = 0; n < 24; n++)
        {
            decisions.Add(await GuestAsync(replica, n, new LimitKey($"ip:2001:db8:1:{n}::/64"), new LimitKey("ip:2001:db8:1::/48", 4)));
        }

        Assert.Equal((16, "address_inflight"), Outcome(decisions));
    }

    [Fact]
    public async Task Shares_are_only_reported_in_shadow_mode_and_when_their_switch_is_off()
    {
        await using var shadow = await ReplicaAsync(("FF_ADMISSION_ENFORCE", "false"), ("ADMISSION_REDIS_SHADOW_MODE", "true"));
        await using var soft = await ReplicaAsync(
            ("ADMISSION_ENFORCE_ADDRESS_INFLIGHT", "false"), ("ADMISSION_ENFORCE_GUEST_INFLIGHT", "false"),
            ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "16"));

        List<AdmissionDecision> shadowed = [], softened = [];
        for (var n = 0; n < 5; n++)
        {
            shadowed.Add(await GuestAsync(shadow, n, new LimitKey("ip:203.0.113.7")));
            softened.Add(await GuestAsync(soft, n, new LimitKey("ip:203.0.113.7")));
        }

        Assert.Equal([[], [], [], [], ["address_inflight"]], shadowed.Cast<AdmissionDecision.Admitted>().Select(it => it.WouldBlock));
        Assert.Equal(["address_inflight", "guest_inflight"], Assert.IsType<AdmissionDecision.Admitted>(softened[4]).SoftBlocked);
    }

    [Theory]
    [InlineData("true", "true", AdmissionMode.Disabled, "false")]
    [InlineData("false", "true", AdmissionMode.Disabled)]
    [InlineData("true", "false", AdmissionMode.Shadow)]
    [InlineData("true", "true", AdmissionMode.Enforce)]
    public async Task Rate_limiter_and_bulkhead_decide_in_every_mode(
        string enabled, string enforce, AdmissionMode mode, string gateway = "true")
    {
        await using var replica = await ReplicaAsync(
            ("FF_CHAT_GATEWAY_ENABLED", gateway), ("ADMISSION_REDIS_ENABLED", enabled), ("FF_ADMISSION_ENFORCE", enforce),
            ("RATE_LIMIT_CHAT_STREAM_MAX", "2"),
            ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1"));

        var first = Assert.IsType<AdmissionDecision.Admitted>(await RequestAsync("one"));
        var full = Assert.IsType<AdmissionDecision.Denied>(await RequestAsync("two", "user:b"));
        await first.Ticket.DisposeAsync();
        var second = Assert.IsType<AdmissionDecision.Admitted>(await RequestAsync("three"));
        await second.Ticket.DisposeAsync();
        var limited = Assert.IsType<AdmissionDecision.Denied>(await RequestAsync("four"));

        Assert.Equal(mode, first.Mode);
        Assert.Equal(Bulkheads.Reason, full.Reason);
        Assert.Equal("chat_stream", limited.Reason);
        Assert.True(limited.RetryAfter > TimeSpan.FromMinutes(1));
        Assert.Equal(0, await replica.Redis.SortedSetLengthAsync("bulkhead:openrouter_chat_primary"));

        Task<AdmissionDecision> RequestAsync(string stream, string principal = "user:a") =>
            replica.RequestAdmissionAsync(
                stream, principal, replica.Limiter.Claim(RateLimitBucket.ChatStream, principal),
                replica.Bulkheads.Claim("openrouter_chat_primary"));
    }

    [Fact]
    public async Task Without_web_search_the_estimate_is_one_tool_call_lower()
    {
        await using var replica = await ReplicaAsync();

        await replica.Admission.AdmitAsync(new() { StreamId = "one", Principal = "user:a", WebSearch = true }, default);
        await replica.Admission.AdmitAsync(new() { StreamId = "two", Principal = "user:b" }, default);

        var counted = ((string?)await replica.Redis.StringGetAsync("admit:chat:rate:tool"))!.Split(' ');
        Assert.Equal(3, int.Parse(counted[1]) + int.Parse(counted[2]));
    }

    [Fact]
    public async Task Tool_calls_over_the_estimate_count_when_they_are_made()
    {
        await using var replica = await ReplicaAsync();
        var admitted = Assert.IsType<AdmissionDecision.Admitted>(
            await replica.Admission.AdmitAsync(new() { StreamId = "one", Principal = "user:a" }, default));

        await admitted.Ticket.ToolsCalledAsync(1);
        await admitted.Ticket.ToolsCalledAsync(3);

        var counted = ((string?)await replica.Redis.StringGetAsync("admit:chat:rate:tool"))!.Split(' ');
        Assert.Equal(4, int.Parse(counted[1]) + int.Parse(counted[2]));
    }

    [Fact]
    public async Task Settlement_adds_or_returns_the_difference_to_the_actual_cost()
    {
        await using var replica = await ReplicaAsync(("RATE_LIMIT_PASSWORD_RESET_MAX", "5"));
        Assert.True((await replica.Limiter.CheckAsync(RateLimitBucket.PasswordReset, "ann", default)).Allowed);

        await replica.Limiter.SettleAsync(RateLimitBucket.PasswordReset, "ann", 8);
        Assert.False((await replica.Limiter.CheckAsync(RateLimitBucket.PasswordReset, "ann", default)).Allowed);

        await replica.Limiter.SettleAsync(RateLimitBucket.PasswordReset, "ann", -12);
        var decision = await replica.Limiter.CheckAsync(RateLimitBucket.PasswordReset, "ann", default);
        Assert.Equal((true, 4, TimeSpan.Zero, false), (decision.Allowed, decision.Remaining, decision.RetryAfter, decision.Contention));
    }

    [Fact]
    public async Task A_call_with_several_keys_must_fit_under_each_and_a_refused_call_counts_under_none()
    {
        await using var replica = await ReplicaAsync(("RATE_LIMIT_AUTH_MAX", "3"));
        LimitKey[] first = [new("ip:2001:db8:1:1::/64"), new("ip:2001:db8:1::/48", 4)], second = [new("ip:2001:db8:1:2::/64"), first[1]];

        var decisions = new List<bool>();
        for (var n = 0; n < 5; n++)
        {
            decisions.Add((await replica.Limiter.CheckAsync(RateLimitBucket.Auth, first, default)).Allowed);
        }

        Assert.Equal([true, true, true, false, false], decisions);
        Assert.Equal(2, (await replica.Limiter.CheckAsync(RateLimitBucket.Auth, second, default)).Remaining);
        Assert.Equal(4, await CountAsync("limit:auth:ip%3A2001%3Adb8%3A1%3A%3A%2F48"));

        async Task<int> CountAsync(string key) =>
            ((string?)await replica.Redis.StringGetAsync(key))!.Split(' ') is [_, var current, var previous]
                ? int.Parse(current) + int.Parse(previous)
                : 0;
    }

    [Fact]
    public async Task A_call_that_costs_more_than_the_limit_uses_one_whole_window()
    {
        await using var replica = await ReplicaAsync(("RATE_LIMIT_COPY_MAX_KIB", "64"));

        var (large, small) = (await CopyAsync(5_000), await CopyAsync(1));

        Assert.Equal((true, false), (large.Allowed, small.Allowed));

        ValueTask<RateLimitDecision> CopyAsync(int kibibytes) =>
            replica.Limiter.CheckAsync(RateLimitBucket.Copies, [new("user:a")], default, cost: kibibytes);
    }

    [Fact]
    public async Task A_rate_limit_counts_over_all_replicas()
    {
        var redis = (await stores.RedisAsync()).CreateDatabase();
        await using var one = await Replica.ConnectAsync(redis, knobs: ("RATE_LIMIT_AUTH_MAX", "10"));
        await using var two = await Replica.ConnectAsync(redis, knobs: ("RATE_LIMIT_AUTH_MAX", "10"));

        var decisions = await Task.WhenAll(Enumerable.Range(0, 40).Select(
            n => (n % 2 == 0 ? one : two).Limiter.CheckAsync(RateLimitBucket.Auth, "10.0.0.1", default).AsTask()));

        Assert.Equal(10, decisions.Count(it => it.Allowed));
        Assert.Equal(Enumerable.Range(0, 10), decisions.Where(it => it.Allowed).Select(it => it.Remaining).Order());
        Assert.All(
            decisions.Where(it => !it.Allowed), it => Assert.InRange(it.RetryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(2)));
    }

    private static async Task<AdmissionDecision> GuestAsync(Replica replica, int number, params LimitKey[] addresses) =>
        await replica.Admission.AdmitAsync(
            new()
            {
                StreamId = $"guest's {number}", Principal = $"session:{number}", Addresses = addresses, IsGuest = true, RouteSlots = 24,
            },
            default);

    /// <summary>How many were admitted, and the common reason of all refusals.</summary>
    private static (int Admitted, string Refusal) Outcome(IReadOnlyCollection<AdmissionDecision> decisions) =>
        (
            decisions.OfType<AdmissionDecision.Admitted>().Count(),
            decisions.OfType<AdmissionDecision.Denied>().Select(denied => denied.Reason).Distinct().Single());

    private async Task<Replica> ReplicaAsync(params (string, string)[] knobs) =>
        await Replica.ConnectAsync((await stores.RedisAsync()).CreateDatabase(), knobs: knobs);
}
