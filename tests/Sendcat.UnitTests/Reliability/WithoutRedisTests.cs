using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Reliability;

public sealed class WithoutRedisTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 2, 20, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Enforced_admission_fails_closed_when_it_is_configured_to()
    {
        await using var services = IsolatedProcess.Services(
            _time, ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "true"));

        var decision = await services.GetRequiredService<AdmissionController>().AdmitAsync(Turn("one"), default);

        var denied = Assert.IsType<AdmissionDecision.Denied>(decision);
        Assert.Equal("redis_unavailable", denied.Reason);
        Assert.Equal(TimeSpan.FromSeconds(1), denied.RetryAfter);
    }

    [Fact]
    public async Task A_window_that_is_full_in_this_process_alone_says_one_second_and_not_the_rest_of_the_window()
    {
        await using var services = IsolatedProcess.Services(
            _time, ("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true"), ("RATE_LIMIT_CHAT_STREAM_MAX", "1"));
        var admission = services.GetRequiredService<AdmissionController>();
        var limiter = services.GetRequiredService<RateLimiter>();

        await using var first = Assert.IsType<AdmissionDecision.Admitted>(await admission.AdmitAsync(Starting("one"), default)).Ticket;
        var denied = Assert.IsType<AdmissionDecision.Denied>(await admission.AdmitAsync(Starting("two"), default));

        Assert.Equal((true, TimeSpan.FromSeconds(1)), (denied.Local, denied.RetryAfter));

        AdmissionRequest Starting(string stream) =>
            Turn(stream, $"user:{stream}") with { OtherClaims = [limiter.Claim(RateLimitBucket.ChatStream, "user:a")] };
    }

    [Fact]
    public async Task Fail_open_admission_applies_the_limits_within_the_process()
    {
        await using var services = IsolatedProcess.Services(
            _time, ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"),
            ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "2"));
        var admission = services.GetRequiredService<AdmissionController>();
        var bulkheads = services.GetRequiredService<Bulkheads>();

        var first = Assert.IsType<AdmissionDecision.Admitted>(await admission.AdmitAsync(Turn("one", "user:a", bulkheads), default));
        var second = Assert.IsType<AdmissionDecision.Denied>(await admission.AdmitAsync(Turn("two", "user:a", bulkheads), default));
        await admission.AdmitAsync(Turn("three", "user:b", bulkheads), default);
        var full = Assert.IsType<AdmissionDecision.Denied>(await admission.AdmitAsync(Turn("four", "user:c", bulkheads), default));
        await first.Ticket.DisposeAsync();
        await first.Ticket.DisposeAsync();
        var next = await admission.AdmitAsync(Turn("five", "user:c", bulkheads), default);

        Assert.True(first.Local);
        Assert.Equal("user_inflight", second.Reason);
        Assert.Equal(Bulkheads.Reason, full.Reason);
        Assert.IsType<AdmissionDecision.Admitted>(next);
    }

    [Fact]
    public async Task The_shares_of_an_address_and_of_guests_apply_within_the_process()
    {
        await using var services = IsolatedProcess.Services(
            _time, ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"));
        var admission = services.GetRequiredService<AdmissionController>();

        var ofOne = await AdmitAsync(24, n => GuestTurn(n, "ip:203.0.113.7"));
        var ofMany = await AdmitAsync(24, n => GuestTurn(100 + n, $"ip:198.51.100.{n}"));
        var user = await admission.AdmitAsync(
            Turn("user's", "user:a") with { Addresses = [new("ip:192.0.2.1")], RouteSlots = 24 }, default);

        Assert.Equal((4, "address_inflight"), ofOne);
        Assert.Equal((15, "guest_inflight"), ofMany);
        Assert.IsType<AdmissionDecision.Admitted>(user);

        async Task<(int Admitted, string Refusal)> AdmitAsync(int turns, Func<int, AdmissionRequest> turn)
        {
            var decisions = new List<AdmissionDecision>();
            for (var n = 0; n < turns; n++)
            {
                decisions.Add(await admission.AdmitAsync(turn(n), default));
            }

            return (
                decisions.OfType<AdmissionDecision.Admitted>().Count(),
                decisions.OfType<AdmissionDecision.Denied>().Select(denied => denied.Reason).Distinct().Single());
        }

        static AdmissionRequest GuestTurn(int number, string address) =>
            Turn($"guest's {number}", $"session:{number}") with { Addresses = [new(address)], IsGuest = true, RouteSlots = 24 };
    }

    [Fact]
    public async Task A_limiter_counts_locally_and_reports_contention()
    {
        await using var services = IsolatedProcess.Services(_time, ("RATE_LIMIT_AUTH_MAX", "3"));
        var limiter = services.GetRequiredService<RateLimiter>();

        var decisions = new List<RateLimitDecision>();
        for (var n = 0; n < 4; n++)
        {
            decisions.Add(await limiter.CheckAsync(RateLimitBucket.Auth, "10.0.0.1", default));
        }

        Assert.Equal([true, true, true, false], decisions.Select(it => it.Allowed));
        Assert.Equal([2, 1, 0, 0], decisions.Select(it => it.Remaining));
        Assert.All(decisions, it => Assert.True(it.Contention));
        Assert.Equal(TimeSpan.FromSeconds(1), decisions[3].RetryAfter);
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.True((await limiter.CheckAsync(RateLimitBucket.Auth, "10.0.0.1", default)).Allowed);
    }

    [Fact]
    public async Task The_number_of_local_windows_is_bounded()
    {
        await using var services = IsolatedProcess.Services(_time);
        var local = services.GetRequiredService<LocalClaims>();

        for (var n = 0; n < LocalClaims.MaxWindows + 1; n++)
        {
            local.Take("x", [new WindowClaim("r", $"k{n}", 1, TimeSpan.FromSeconds(1))]);
        }

        // All windows were evicted at once, so an exhausted key counts from zero again.
        Assert.Equal(ClaimStatus.Taken, local.Take("x", [new WindowClaim("r", "k0", 1, TimeSpan.FromSeconds(1))]).Status);
    }

    [Fact]
    public async Task A_full_bulkhead_derives_its_retry_delay_from_how_long_slots_are_held()
    {
        await using var services = IsolatedProcess.Services(_time, ("BULKHEAD_EBAY_MAX_CONCURRENT", "2"));
        var bulkheads = services.GetRequiredService<Bulkheads>();
        for (var n = 0; n < 3; n++)
        {
            await using var used = (await bulkheads.AcquireAsync("ebay_search", $"use {n}", default)).Lease!;
            _time.Advance(TimeSpan.FromSeconds(8));
        }

        await bulkheads.AcquireAsync("ebay_search", "a", default);
        await bulkheads.AcquireAsync("ebay_search", "b", default);
        var full = await bulkheads.AcquireAsync("ebay_search", "c", default);

        Assert.Null(full.Lease);
        Assert.Equal(TimeSpan.FromSeconds(4), full.RetryAfter);
    }

    [Fact]
    public async Task A_connection_that_fails_during_a_write_leads_to_local_decisions()
    {
        var failingDatabase = Substitute.For<IDatabase>();
        failingDatabase.ScriptEvaluateAsync(Arg.Any<byte[]>(), Arg.Any<RedisKey[]>(), Arg.Any<RedisValue[]>(), Arg.Any<CommandFlags>())
            .ThrowsAsync(new InvalidOperationException("Writing is not allowed after writer was completed."));
        var redis = Substitute.For<IConnectionMultiplexer>();
        redis.IsConnected.Returns(true);
        redis.GetDatabase(Arg.Any<int>(), Arg.Any<object?>()).Returns(failingDatabase);
        await using var services = IsolatedProcess.Services(_time, () => redis);

        var acquired = await services.GetRequiredService<Bulkheads>().AcquireAsync("ebay_search", "a", default);
        var limited = await services.GetRequiredService<RateLimiter>().CheckAsync(RateLimitBucket.Auth, "10.0.0.1", default);

        Assert.True(limited.Contention);
        await Assert.IsType<BulkheadLease>(acquired.Lease).DisposeAsync();
    }

    [Fact]
    public async Task A_turn_that_replaces_another_is_admitted_beside_it()
    {
        await using var services = IsolatedProcess.Services(
            _time, ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"), ("FF_FAIL_CLOSED_ON_REDIS_ERROR", "false"));
        var admission = services.GetRequiredService<AdmissionController>();

        await using var first = Assert.IsType<AdmissionDecision.Admitted>(await admission.AdmitAsync(Turn("one"), default)).Ticket;
        var beside = Assert.IsType<AdmissionDecision.Denied>(await admission.AdmitAsync(Turn("two"), default));
        await using var replacing = Assert.IsType<AdmissionDecision.Admitted>(
            await admission.AdmitAsync(Turn("two") with { Replaces = "one" }, default)).Ticket;

        Assert.Equal("user_inflight", beside.Reason);
        Assert.IsType<AdmissionDecision.Denied>(await admission.AdmitAsync(Turn("three") with { Replaces = "one" }, default));
    }

    private static AdmissionRequest Turn(string stream, string principal = "user:a", Bulkheads? bulkheads = null) =>
        new()
        {
            Principal = principal, StreamId = stream, OtherClaims = bulkheads is null ? [] : [bulkheads.Claim("openrouter_chat_primary")],
        };
}
