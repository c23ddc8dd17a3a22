using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat snapshot</c> against a stub of the API.</summary>
public sealed class SnapshotCommandTests
{
    private const string Snapshot = """
        {"generatedAt":"2026-05-01T12:00:00Z","windowMinutes":60,"config":{},
        "rateLimitPressure":{"sampledEvents":47,"byBucketOutcome":{"chat_stream:blocked":7,"chat_admission:allowed":40},"recentAlerts":[],"alertsInWindow":1},
        "chatAdmission":{"enforce":{"allowed":40,"blocked":2,"contentionFallback":0},"shadow":{"allowed":0,"blocked":0,"contentionFallback":0},"topReasons":[]},
        "circuitBreakers":{"openCount":2,"recent":[
        {"provider":"ebay_search","state":"open","failureCount":4,"cooldownUntil":"2026-05-01T12:01:30Z","lastError":"HTTP 503\u001b[2J"},
        {"provider":"openrouter_chat_primary","state":"open","failureCount":1,"suspended":"operator","cooldownUntil":"2026-05-01T12:15:00Z"},
        {"provider":"serper_search","state":"closed","failureCount":0},
        {"provider":"global_search","state":"closed","failureCount":3,"lastError":"timeout"}]},
        "bulkheads":{"activeLeaseCount":3,"inFlightByProvider":{"openrouter_chat_primary":3,"serper_search":0}},
        "replayProtection":{"keysInWindow":5,"duplicateHitsInWindow":2,"byScope":{}},
        "toolCache":{"sampledActiveEntries":9,"byNamespace":{"search_web_v1":9}},
        "toolJobs":{"sampled":3,"byStatus":{},"byTool":{"search_web":{"queued":1,"running":2}},"oldestQueuedAgeMs":1200,"oldestRunningAgeMs":300,"recentDeadLetters":[]},
        "cost":{"usd":1.234567,"turns":12,"unpricedTurns":2,"promptTokens":3000,"completionTokens":400,"budgetUsdPerPrincipalPerDay":0.5,"byModel":[
        {"model":"openai/gpt-5","usd":1.234567,"turns":10,"unpricedTurns":0,"calls":15,"promptTokens":2000,"completionTokens":300},
        {"model":"nobody/knows","usd":0,"turns":2,"unpricedTurns":2,"calls":2,"promptTokens":1000,"completionTokens":100}]},
        "suspendedAccounts":[{"provider":"openrouter_chat_secondary","suspended":"quota","since":"2026-05-01T11:40:00Z","nextProbeAt":"2026-05-01T12:00:45Z"}],
        "toolQueueAlerts":{"alertsInWindow":1,"recent":[{"createdAt":"2026-05-01T11:59:00Z","kind":"dead_letter_depth","observed":136,"threshold":20}]}}
        """;

    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task The_sections_show_what_deserves_attention()
    {
        await using var api = await ServeAsync();

        Assert.Equal(0, await RunAsync(api));

        Assert.Equal(
            """
            Snapshot of 2026-05-01 12:00:00 UTC, last 60 minutes

            Admission
              enforce  allowed 40  blocked 2  contentionFallback 0
              shadow   allowed 0   blocked 0  contentionFallback 0

            Limits: 47 events, 1 alerts
              chat_stream:blocked     7
              chat_admission:allowed  40

            Circuits: 2 open
              ebay_search              open    failures 4  2026-05-01 12:01:30  HTTP 503 [2J
              openrouter_chat_primary  open    failures 1  suspended: operator
              global_search            closed  failures 3                       timeout

            Bulkheads: 3 slots in use
              openrouter_chat_primary  3

            Webhooks: 5 keys, 2 repetitions

            Tool cache: 9 entries
              search_web_v1  9

            Tool jobs: oldest queued 1200 ms, oldest running 300 ms
              search_web  queued 1  running 2

            Cost: 1.234567 USD of 12 turns, 2 turns without a known price, budget 0.5 USD
              openai/gpt-5  1.234567 USD  turns 10  calls 15  tokens 2000 + 300
              nobody/knows  0.000000 USD  turns 2   calls 2   tokens 1000 + 100  unpriced 2

            Suspended accounts
              openrouter_chat_secondary  quota  since 2026-05-01 11:40:00  next probe 2026-05-01 12:00:45

            Queue alerts: 1
              2026-05-01 11:59:00  dead_letter_depth  136 > 20

            """,
            _terminal.Text);
    }

    [Fact]
    public async Task The_window_and_the_limit_are_sent_and_json_prints_the_whole_response()
    {
        await using var api = await ServeAsync("?minutes=60&limit=5000");

        Assert.Equal(0, await RunAsync(api, "--minutes", "60", "--limit", "5000", "--json"));

        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(Snapshot).RootElement, JsonDocument.Parse(_terminal.Text).RootElement));
        Assert.Equal(["GET /api/ops/snapshot"], api.Requests);
    }

    private static Task<ApiStub> ServeAsync(string query = "") =>
        ApiStub.StartAsync((app, _) => app.MapGet("/api/ops/snapshot", async http =>
        {
            Assert.Equal(query, http.Request.QueryString.ToString().TrimEnd('?'));
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(Snapshot);
        }));

    private Task<int> RunAsync(ApiStub api, params string[] args) =>
        SnapshotCommand.Create(new(_terminal.Console, _errors, "the key")).Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
