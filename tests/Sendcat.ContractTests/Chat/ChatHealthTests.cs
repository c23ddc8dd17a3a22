using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Chat;

public sealed class ChatHealthTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_operator_sees_each_guard_with_its_policy_and_every_value_that_was_not_taken()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new()
        {
            ["OPS_API_KEY"] = "for the eyes of operators only", ["CIRCUIT_SERPER_THRESHOLD"] = "7", ["BULKHEAD_SERPER_LEASE_TTL_MS"] = "20000", ["RATE_LIMIT_AUTH_MAX"] = "none",
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", "for the eyes of operators only") } };

        var told = JsonNode.Parse(await (await api.Anyone.SendAsync(request)).Content.ReadAsStringAsync())!;

        var circuit = Assert.Single(told["circuits"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal((7, 120_000, 300_000, 60_000), ((int)circuit["threshold"]!, (int)circuit["cooldownMs"]!, (int)circuit["failureWindowMs"]!, (int)circuit["probeTimeoutMs"]!));
        var bulkhead = Assert.Single(told["bulkheads"]!.AsArray(), it => (string)it!["provider"]! == "serper_search")!;
        Assert.Equal((12, 20_000), ((int)bulkhead["maxConcurrent"]!, (int)bulkhead["leaseTtlMs"]!));
        var rejected = Assert.Single(told["config"]!["rejected"]!.AsArray())!;
        Assert.Equal(("RATE_LIMIT_AUTH_MAX", "none", "300"), ((string)rejected["name"]!, (string)rejected["value"]!, (string)rejected["usedDefault"]!));
        Assert.NotEmpty((string)rejected["reason"]!);
    }
}
