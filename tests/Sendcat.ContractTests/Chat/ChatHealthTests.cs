using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Chat;

/// <summary>The details of <c>/api/chat/health</c> for an operator.</summary>
public sealed class ChatHealthTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Health_lists_each_guard_with_its_policy_and_every_rejected_setting()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPS_API_KEY"] = "for the eyes of operators only", ["CIRCUIT_SERPER_THRESHOLD"] = "7",
            ["BULKHEAD_SERPER_LEASE_TTL_MS"] = "20000", ["RATE_LIMIT_AUTH_MAX"] = "none",
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "for the eyes of operators only") },
        };

        var health = JsonNode.Parse(await (await api.Anyone.SendAsync(request)).Content.ReadAsStringAsync())!;

        var circuit = Assert.Single(health["circuits"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal(
            (7, 120_000, 300_000, 60_000),
            ((int)circuit["threshold"]!, (int)circuit["cooldownMs"]!, (int)circuit["failureWindowMs"]!, (int)circuit["probeTimeoutMs"]!));
        var bulkhead = Assert.Single(health["bulkheads"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal((12, 20_000), ((int)bulkhead["maxConcurrent"]!, (int)bulkhead["leaseTtlMs"]!));
        var rejected = Assert.Single(health["config"]!["rejected"]!.AsArray())!;
        Assert.Equal(
            ("RATE_LIMIT_AUTH_MAX", "none", "300"),
            ((string)rejected["name"]!, (string)rejected["value"]!, (string)rejected["usedDefault"]!));
        Assert.NotEmpty((string)rejected["reason"]!);
    }

    [Fact]
    public async Task Redis_that_does_not_respond_is_configured_and_not_connected()
    {
        await using var api = await SendcatApi.StartAsync(
            postgres, new() { ["OPS_API_KEY"] = "for the eyes of operators only", ["ConnectionStrings:redis"] = "127.0.0.1:1" });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "for the eyes of operators only") },
        };

        var admission = JsonNode.Parse(await (await api.Anyone.SendAsync(request)).Content.ReadAsStringAsync())!["admission"]!;

        Assert.Equal((true, false), ((bool)admission["redisConfigured"]!, (bool)admission["redisConnected"]!));
    }

    [Fact]
    public async Task A_Redis_that_hangs_is_not_ok_while_turns_are_refused_for_it()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString, ["OPENROUTER_API_KEY"] = "set", ["FF_CHAT_GATEWAY_ENABLED"] = "true",
            ["FF_CHAT_GATEWAY_SHADOW"] = "false", ["ADMISSION_REDIS_ENABLED"] = "true", ["FF_ADMISSION_ENFORCE"] = "true",
            ["FF_FAIL_CLOSED_ON_REDIS_ERROR"] = "true",
        });
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.GetAsync("/api/chat/health")).StatusCode);
        var guest = await api.GuestAsync();
        var thread = (string)(await (await guest.PostAsync("/api/threads", "{}".AsJson())).JsonAsync())["id"]!;

        await redis.PauseAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.Anyone.GetAsync("/api/chat/health")).StatusCode);
        var refused = await guest.PostAsync("/api/chat", $$"""{"threadId":"{{thread}}"}""".AsJson());
        Assert.Equal(
            "The service cannot check its limits at the moment. Try again in a moment.",
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable"));
        Assert.Equal("redis_unavailable", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);

        await redis.ResumeAsync();

        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.GetAsync("/api/chat/health")).StatusCode);
    }

    [Fact]
    public async Task A_Redis_that_hangs_is_ok_while_turns_are_served_without_it_and_a_refused_turn_waits_a_second()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["ConnectionStrings:redis"] = redis.ConnectionString,
            ["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test",
            ["FF_FAIL_CLOSED_ON_REDIS_ERROR"] = "false", ["RATE_LIMIT_CHAT_STREAM_MAX"] = "1",
        });
        var guest = await api.GuestAsync();
        await redis.PauseAsync();

        using var served = await guest.PostAsync("/api/chat", """{"message":"[[emu text=Hello]]"}""".AsJson());
        using var refused = await guest.PostAsync("/api/chat", """{"message":"[[emu text=Hello]]"}""".AsJson());

        Assert.Contains("\"type\":\"done\"", await served.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(
            "You have started as many answers as the limit allows. Try again in 1 second.",
            await refused.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited"));
        Assert.Equal("chat_stream", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Assert.Equal(HttpStatusCode.OK, (await api.Anyone.GetAsync("/api/chat/health")).StatusCode);
    }

    [Fact]
    public async Task The_verdict_turns_when_turns_fail_and_names_the_provider_while_ok_stays_true()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test",
            ["OPS_API_KEY"] = "for the eyes of operators only",
            ["FF_PROVIDER_FAILOVER_ENABLED"] = "false",
        });
        var guest = await api.GuestAsync();
        await ChatAsync(guest, "[[emu text=Hello]]");
        Assert.Equal("ok", (string)(await HealthAsync(api.Anyone))["verdict"]!);

        await ChatAsync(guest, "[[emu status=503]]");
        await ChatAsync(guest, "[[emu status=503]]");
        var (health, detailed) = (await HealthAsync(api.Anyone), await HealthAsync(api.WithBearer("for the eyes of operators only")));

        Assert.Equal((true, "failing", "provider"), ((bool)health["ok"]!, (string)health["verdict"]!, (string)health["cause"]!));
        Assert.Null(health["lastMinute"]);
        Assert.Equal(
            (3, 2, 0),
            ((int)detailed["lastMinute"]!["turns"]!, (int)detailed["lastMinute"]!["failed"]!, (int)detailed["lastMinute"]!["waiting"]!));
        Assert.Equal(2, (int)detailed["lastMinute"]!["reasons"]!["upstream_unavailable"]!);
    }

    [Fact]
    public async Task The_minute_that_other_replicas_wrote_counts_too()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPENROUTER_API_KEY"] = "test" });
        await api.ExecuteAsync(
            """
            insert into reliability.sli_minutes (minute, endpoint, replica, served, failed, shed, rejected, aborted, reasons)
            select date_trunc('minute', now()) - make_interval(mins => n), '/api/chat', gen_random_uuid(), 6, 4, 0, 0, 0, '{"store_unavailable": 4}' from generate_series(0, 2) as n
            """);

        var health = await HealthAsync(api.Anyone);

        Assert.Equal(("degraded", "store"), ((string)health["verdict"]!, (string)health["cause"]!));
    }

    [Fact]
    public async Task Without_a_key_the_verdict_names_the_key()
    {
        await using var api = await SendcatApi.StartAsync(postgres);

        var health = await HealthAsync(api.Anyone);

        Assert.Equal((false, "failing", "key"), ((bool)health["ok"]!, (string)health["verdict"]!, (string)health["cause"]!));
    }

    private static async Task ChatAsync(HttpClient guest, string message)
    {
        using var response = await guest.PostAsync("/api/chat", new JsonObject { ["message"] = message }.ToJsonString().AsJson());
        await response.Content.ReadAsStringAsync();
    }

    private static async Task<JsonNode> HealthAsync(HttpClient client) =>
        JsonNode.Parse(await (await client.GetAsync("/api/chat/health")).Content.ReadAsStringAsync())!;
}
