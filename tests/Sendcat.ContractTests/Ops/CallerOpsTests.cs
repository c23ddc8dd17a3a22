using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Callers;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Events;

namespace Sendcat.ContractTests.Ops;

/// <summary><c>/api/ops/callers</c>: sums by caller, compared with what was stored, and blocks.</summary>
public sealed class CallerOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";
    private const string Viewer = "a viewer key for these tests, too";

    // The first 16 digits of the SHA-256 of the ids.
    private const string Ann = "user:#49915e0d7d4b402e";

    [Fact]
    public async Task Callers_are_summed_by_hashed_principal_and_by_address_over_turns_jobs_and_refusals()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(
            """
            insert into turn_costs (ended_at, stream_id, number, model, caller, address, calls, prompt_tokens, completion_tokens,
                cost_micro_usd)
            select now() - make_interval(mins => m), s::uuid, n, 'm', c, a, 1, 100, 10, cost
            from (values
                (1, '00000000-0000-0000-0000-000000000001', 0, 'user:#' || left(encode(sha256('ann'), 'hex'), 16), 'ip:192.0.2.1', 1500000),
                (1, '00000000-0000-0000-0000-000000000001', 1, 'user:#' || left(encode(sha256('ann'), 'hex'), 16), 'ip:192.0.2.1', null),
                (2, '00000000-0000-0000-0000-000000000002', 0, 'session:#0123456789abcdef', 'ip:192.0.2.1', 7),
                (90, '00000000-0000-0000-0000-000000000003', 0, 'session:#0123456789abcdef', 'ip:192.0.2.1', 5)) as t(m, s, n, c, a, cost);
            insert into reliability.tool_jobs (id, tool, qos_class, principal, args, max_attempts, available_at, fair_at, announced_at,
                created_at, updated_at)
            select gen_random_uuid(), 'search_web', 'realtime', p, '{}', 2, now(), now(), now(), now(), now()
            from unnest(array['user:ann', 'user:ann', 'schedule']) as p;
            insert into reliability.rate_limit_events (source, bucket, key, outcome, dedupe_key, hits, retry_after_ms, created_at,
                expires_at)
            select 'chat_http', b, b || ':' || k, o, b || k || o, h, r, now(), now() + interval '7 days'
            from (values
                ('chat_stream', 'user:ann', 'blocked', 3, 1000),
                ('chat_admission', 'session:#0123456789abcdef', 'contention_fallback', 2, 1000),
                ('chat_admission', 'session:#0123456789abcdef', 'allowed', 50, null),
                ('chat_admission_shadow', 'user:ann', 'blocked', 9, 1000),
                ('chat_ip', 'ip:192.0.2.9', 'blocked', 40, 1000)) as e(b, k, o, h, r);
            """);

        var byCost = await CallersAsync(api, "?minutes=60");
        var byRefusals = await CallersAsync(api, "?minutes=60&by=refusals&limit=1");

        Assert.Equal(
            [
                $"ip:192.0.2.1 turns 2 jobs 0 refusals 0 tokens 330 usd 1.500007 unpriced 1",
                $"{Ann} turns 1 jobs 2 refusals 3 tokens 220 usd 1.5 unpriced 1",
                "session:#0123456789abcdef turns 1 jobs 0 refusals 2 tokens 110 usd 0.000007 unpriced 0",
                "ip:192.0.2.9 turns 0 jobs 0 refusals 40 tokens 0 usd 0 unpriced 0",
            ],
            byCost["items"]!.AsArray().Select(Line));
        Assert.Equal(["ip:192.0.2.9"], byRefusals["items"]!.AsArray().Select(caller => (string)caller!["caller"]!));
        await (await api.WithBearer(Key).GetAsync("/api/ops/callers?by=name")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.WithBearer(Key).GetAsync("/api/ops/callers?minutes=1441"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_blocked_principal_is_refused_until_it_is_unblocked_and_others_are_not()
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);
        var (ann, bob) = (await api.GuestAsync(), await api.GuestAsync());
        var caller = CallerOf(api, ann);

        var block = await (await operators.PostAsJsonAsync("/api/ops/callers/block", new { caller, minutes = 3 })).JsonAsync();
        var refused = await ChatAsync(ann);
        Assert.Equal("caller_blocked", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(3));
        await refused.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.NotEqual(HttpStatusCode.TooManyRequests, (await ChatAsync(bob)).StatusCode);
        var listed = Assert.Single((await CallersAsync(api, ""))["blocked"]!.AsArray())!;
        Assert.Equal(
            (caller, "a test", (string)block["until"]!), ((string)listed["caller"]!, (string)listed["reason"]!, (string)listed["until"]!));

        (await operators.PostAsJsonAsync("/api/ops/callers/unblock", new { caller })).EnsureSuccessStatusCode();
        Assert.NotEqual(HttpStatusCode.TooManyRequests, (await ChatAsync(ann)).StatusCode);
        await (await operators.PostAsJsonAsync("/api/ops/callers/unblock", new { caller }))
            .RefusedAsync(HttpStatusCode.NotFound, "not_found");
        Assert.Equal(
            ["caller.unblock", "caller.block"],
            (await (await operators.GetAsync("/api/ops/audit")).JsonAsync())["items"]!.AsArray()
                .Select(entry => (string)entry!["action"]!));
    }

    [Fact]
    public async Task A_blocked_address_is_refused_and_the_block_of_another_replica_is_read_and_ends_by_itself()
    {
        await using var api = await StartAsync();
        var blocks = api.Services.GetRequiredService<CallerBlocks>();
        var guest = await api.GuestAsync();
        await api.ExecuteAsync("insert into caller_blocks values ('ip:127.0.0.1', now() + interval '1 hour', now(), 'ann', 'flood')");
        await blocks.RefreshAsync(default);
        await (await ChatAsync(guest)).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");

        await api.ExecuteAsync("update caller_blocks set until = now()");
        await blocks.RefreshAsync(default);

        Assert.NotEqual(HttpStatusCode.TooManyRequests, (await ChatAsync(guest)).StatusCode);
        Assert.Empty((await CallersAsync(api, ""))["blocked"]!.AsArray());
    }

    [Theory]
    [InlineData("ann", 5)]
    [InlineData("user:ann", 5)]
    [InlineData("10.1", 5)]
    [InlineData("192.0.2.0/24", 5)]
    [InlineData("192.0.2.1", 0)]
    [InlineData("192.0.2.1", 10_081)]
    public async Task A_caller_or_time_that_cannot_be_blocked_is_refused(string caller, int minutes)
    {
        await using var api = await StartAsync();

        await (await api.WithBearer(Key).PostAsJsonAsync("/api/ops/callers/block", new { caller, minutes }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.WithBearer(Viewer).PostAsJsonAsync("/api/ops/callers/block", new { caller = "192.0.2.1", minutes = 5 }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData("192.0.2.1", "ip:192.0.2.1")]
    [InlineData("ip:192.0.2.1", "ip:192.0.2.1")]
    [InlineData("2001:db8:1:2:3::4", "ip:2001:db8:1:2::/64")]
    [InlineData("ip:2001:db8:1::/48", "ip:2001:db8:1::/48")]
    [InlineData("session:#0123456789abcdef", "session:#0123456789abcdef")]
    public void A_caller_has_one_name(string text, string name) => Assert.Equal(name, CallerName.Parse(text));

    private static string Line(JsonNode? caller) =>
        $"{caller!["caller"]} turns {caller["turns"]} jobs {caller["jobs"]} refusals {caller["refusals"]} tokens {caller["tokens"]} usd "
        + $"{caller["usd"]} unpriced {caller["unpricedTurns"]}";

    private static async Task<JsonNode> CallersAsync(SendcatApi api, string query) =>
        await (await api.WithBearer(Viewer).GetAsync($"/api/ops/callers{query}")).JsonAsync();

    /// <summary>The name of a guest for operators.</summary>
    private static string CallerOf(SendcatApi api, HttpClient guest)
    {
        var presented = Assert.Single(guest.DefaultRequestHeaders.GetValues(AnonymousSessions.Header));
        return PrincipalMask.Caller($"session:{api.Services.GetRequiredService<AnonymousSessions>().Accept(presented)}");
    }

    private static Task<HttpResponseMessage> ChatAsync(HttpClient guest) => guest.PostAsJsonAsync("/api/chat", new { message = "hello" });

    private Task<SendcatApi> StartAsync() => SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = Key, ["OPS_VIEWER_KEY"] = Viewer });
}
