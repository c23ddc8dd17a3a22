using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Chat;

/// <summary>The details of <c>/api/chat/health</c> for an operator.</summary>
public sealed class ChatHealthTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Health_lists_each_guard_with_its_policy_and_every_rejected_setting()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPS_API_KEY"] = "for the eyes of operators only", ["CIRCUIT_SERPER_THRESHOLD"] = "7", ["BULKHEAD_SERPER_LEASE_TTL_MS"] = "20000", ["RATE_LIMIT_AUTH_MAX"] = "none",
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "for the eyes of operators only") } };

        var health = JsonNode.Parse(await (await api.Anyone.SendAsync(request)).Content.ReadAsStringAsync())!;

        var circuit = Assert.Single(health["circuits"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal((7, 120_000, 300_000, 60_000), ((int)circuit["threshold"]!, (int)circuit["cooldownMs"]!, (int)circuit["failureWindowMs"]!, (int)circuit["probeTimeoutMs"]!));
        var bulkhead = Assert.Single(health["bulkheads"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal((12, 20_000), ((int)bulkhead["maxConcurrent"]!, (int)bulkhead["leaseTtlMs"]!));
        var rejected = Assert.Single(health["config"]!["rejected"]!.AsArray())!;
        Assert.Equal(("RATE_LIMIT_AUTH_MAX", "none", "300"), ((string)rejected["name"]!, (string)rejected["value"]!, (string)rejected["usedDefault"]!));
        Assert.NotEmpty((string)rejected["reason"]!);
    }

    [Fact]
    public async Task Redis_that_does_not_respond_is_configured_and_not_connected()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = "for the eyes of operators only", ["ConnectionStrings:redis"] = "127.0.0.1:1" });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "for the eyes of operators only") } };

        var admission = JsonNode.Parse(await (await api.Anyone.SendAsync(request)).Content.ReadAsStringAsync())!["admission"]!;

        Assert.Equal((true, false), ((bool)admission["redisConfigured"]!, (bool)admission["redisConnected"]!));
    }
}
