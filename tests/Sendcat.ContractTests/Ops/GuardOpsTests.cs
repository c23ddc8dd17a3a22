using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Redis;
using Sendcat.UpstreamEmulator;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Ops;

/// <summary>What operators change by hand: circuits, leases of dead replicas, clean-ups.</summary>
public sealed class GuardOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";
    private const string Provider = "serper_search";

    [Fact]
    public async Task An_isolated_circuit_refuses_calls_until_it_is_closed_by_hand()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        var circuits = api.Services.GetRequiredService<Circuits>();

        var isolated = await (await client.PostAsync($"/api/ops/circuits/{Provider}/isolate?seconds=60", null)).JsonAsync();
        Assert.Equal(
            ("open", "operator", true),
            ((string)isolated["circuit"]!["state"]!, (string)isolated["circuit"]!["suspended"]!, (bool)isolated["shared"]!));
        Assert.Null((await circuits.EnterAsync(Provider, CancellationToken.None)).Permit);
        var closed = await (await client.PostAsync($"/api/ops/circuits/{Provider}/close", null)).JsonAsync();

        Assert.Equal("closed", (string)closed["circuit"]!["state"]!);
        Assert.NotNull((await circuits.EnterAsync(Provider, CancellationToken.None)).Permit);
        Assert.Equal(
            "circuit.isolate serper_search: open for 60 s; circuit.close serper_search: closed",
            await api.ScalarAsync<string>(
                "select string_agg(action || ' ' || target || ': ' || after, '; ' order by id) from reliability.operator_audit "
                + "where reason = 'a test'"));
    }

    [Fact]
    public async Task Turns_use_the_other_route_while_one_is_isolated_and_the_verdict_names_the_operator_while_all_are()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await StartAsync(new()
        {
            ["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test",
            ["FF_PROVIDER_FAILOVER_ENABLED"] = "true",
        });
        var (operatorClient, guest) = (api.WithBearer(Key), await api.GuestAsync());
        (await operatorClient.PostAsync("/api/ops/circuits/openrouter_chat_primary/isolate", null)).EnsureSuccessStatusCode();

        using var served = await guest.PostAsync("/api/chat", """{"message":"[[emu text=Hello]]"}""".AsJson());
        Assert.Contains("\"type\":\"done\"", await served.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        (await operatorClient.PostAsync("/api/ops/circuits/openrouter_chat_secondary/isolate?seconds=60", null)).EnsureSuccessStatusCode();
        foreach (var text in new[] { "one", "two" })
        {
            using var refused = await guest.PostAsync("/api/chat", $$"""{"message":"{{text}}"}""".AsJson());
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.Equal("route_isolated", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 50, 60);
        }

        var health = await (await api.Anyone.GetAsync("/api/chat/health")).JsonAsync();
        Assert.Equal(("failing", "operator"), ((string)health["verdict"]!, (string)health["cause"]!));
    }

    [Theory]
    [InlineData("/api/ops/circuits/nobody/isolate", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/api/ops/circuits/nobody/close", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/api/ops/circuits/serper_search/isolate?seconds=0", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("/api/ops/circuits/serper_search/isolate?seconds=86401", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("/api/ops/replicas/nobody/release", HttpStatusCode.NotFound, "not_found")]
    [InlineData("/api/ops/clean-ups/everything", HttpStatusCode.NotFound, "not_found")]
    public async Task An_unknown_object_or_value_is_refused(string path, HttpStatusCode status, string code)
    {
        await using var api = await StartAsync();

        await (await api.WithBearer(Key).PostAsync(path, null)).RefusedAsync(status, code);
    }

    [Fact]
    public async Task The_leases_of_a_dead_replica_are_released_and_those_of_a_living_one_are_not()
    {
        // The heartbeats are far apart, so that the test reaps and no heartbeat.
        await using var api = await StartAsync(new() { ["REDIS_REPLICA_BEAT_MS"] = "5000" });
        var client = api.WithBearer(Key);
        var redis = api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        await redis.SortedSetAddAsync(RedisKeys.Replicas, "dead", 1);
        await redis.SortedSetAddAsync(RedisKeys.Replicas, "alive", 9e15);
        await redis.SortedSetAddAsync("bulkhead:serper_search", "turn", 9e15);
        await redis.HashSetAsync(RedisKeys.LeasesOf("dead"), "turn", "bulkhead:serper_search");

        await (await client.PostAsync("/api/ops/replicas/alive/release", null)).RefusedAsync(HttpStatusCode.Conflict, "conflict");
        var released = await (await client.PostAsync("/api/ops/replicas/dead/release", null)).JsonAsync();

        Assert.Equal(1, (int)released["released"]!);
        Assert.Equal(0, await redis.SortedSetLengthAsync("bulkhead:serper_search"));
        var left = (await (await client.GetAsync("/api/ops/replicas")).JsonAsync())["items"]!.AsArray();
        Assert.DoesNotContain(left, replica => (string)replica!["id"]! == "dead");
        Assert.Contains(left, replica => (string)replica!["id"]! == "alive" && (bool)replica["lives"]!);
    }

    [Fact]
    public async Task Clean_ups_delete_expired_rows_alone_and_are_audited()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(
            """
            insert into reliability.rate_limit_events (source, bucket, key, outcome, dedupe_key, hits, created_at, expires_at)
            select 'http', 'reads', 'k', 'blocked', 'd' || n, 1, now(), now() + make_interval(hours => n) from generate_series(-2, 2) as n
            where n <> 0
            """);

        var cleaned = await (await api.WithBearer(Key).PostAsync("/api/ops/clean-ups/events", null)).JsonAsync();

        Assert.Equal(2, (int)cleaned["deleted"]!);
        Assert.Equal(2, await api.ScalarAsync<long>("select count(*) from reliability.rate_limit_events where expires_at > now()"));
        Assert.Equal(
            "2 deleted",
            await api.ScalarAsync<string>("select after from reliability.operator_audit where action = 'clean_up' and target = 'events'"));
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) =>
        SendcatApi.StartAsync(postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key });
}
