using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ContractTests.Ops;

public sealed class ToolJobOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";
    private const string Letters = "/api/ops/tool-jobs/dead-letters";

    public static TheoryData<string, string> Operations => new()
    {
        { "GET", "/api/ops/tool-jobs" }, { "GET", "/api/ops/tool-jobs/alerts" }, { "POST", "/api/ops/tool-jobs/monitor" }, { "GET", Letters }, { "GET", $"{Letters}/groups" }, { "POST", $"{Letters}/requeue" },
        { "POST", $"{Letters}/discard" }, { "GET", "/api/ops/tool-cache" }, { "POST", "/api/ops/tool-cache/clear" }, { "GET", "/api/ops/audit" },
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Without_the_key_nothing_is_shown_and_nothing_changes(string method, string path)
    {
        var api = await postgres.ApiAsync();
        foreach (var client in new[] { api.Anyone, api.WithBearer("another key"), await api.GuestAsync() })
        {
            await (await client.SendAsync(new(new(method), path) { Content = method == "POST" ? "{\"all\":true}".AsJson() : null })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    [Fact]
    public async Task The_queue_is_told_by_state_tool_age_and_pressure()
    {
        await using var api = await StartAsync(new() { ["TOOL_JOB_QMAX_WEB"] = "4" });
        await EnterAsync(api, ToolLane.SearchWeb, "a");
        await EnterAsync(api, ToolLane.SearchWeb, "b");
        await EnterAsync(api, ToolLane.SearchGlobal, "c");
        await DieAsync(api, ToolLane.SearchProducts, "HTTP 503");
        await ClaimAsync(api, ToolLane.SearchGlobal);
        await api.ExecuteAsync("update reliability.tool_jobs set available_at = now() - interval '30 seconds' where tool = 'search_web'");

        var queue = await (await api.WithBearer(Key).GetAsync("/api/ops/tool-jobs?minutes=60")).JsonAsync();

        Assert.Equal("""{"queued":2,"running":1,"completed":0,"failed":0,"deadLetter":1,"cancelled":0}""", queue["byStatus"]!.ToJsonString());
        Assert.Equal((2, 1, 1), ((int)queue["byTool"]!["search_web"]!["queued"]!, (int)queue["byTool"]!["search_global"]!["running"]!, (int)queue["byTool"]!["search_products"]!["deadLetter"]!));
        Assert.Equal((0.5, 1.0), ((double)queue["pressureByTool"]!["search_web"]!["queuedUtilization"]!, (double)queue["pressureByTool"]!["search_global"]!["runningUtilization"]!));
        Assert.True((long)queue["oldestQueuedAgeMs"]! >= 30_000);
        Assert.Equal(("ok", 4, 60), ((string)queue["health"]!["level"]!, queue["health"]!["findings"]!.AsArray().Count, (int)queue["windowMinutes"]!));
    }

    [Fact]
    public async Task What_is_too_much_is_an_alert_until_it_is_over()
    {
        await using var api = await StartAsync(new() { ["TOOL_QUEUE_ALERT_MAX_DLQ"] = "1" });
        var operate = api.WithBearer(Key);
        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");
        Assert.Equal(0, await CheckAsync(operate, "createdAlerts"));

        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");
        Assert.Equal("warning", (string)(await (await operate.GetAsync("/api/ops/tool-jobs")).JsonAsync())["health"]!["level"]!);
        Assert.Equal(1, await CheckAsync(operate, "createdAlerts"));
        await (await operate.PostAsync($"{Letters}/discard", """{"tool":"search_web"}""".AsJson())).JsonAsync();
        Assert.Equal(1, await CheckAsync(operate, "clearedAlerts"));

        var alert = Assert.Single((await (await operate.GetAsync("/api/ops/tool-jobs/alerts")).JsonAsync())["items"]!.AsArray())!;
        Assert.Equal(("dead_letter_depth", 2L, 1L, 5), ((string)alert["kind"]!, (long)alert["observed"]!, (long)alert["threshold"]!, (int)alert["windowMinutes"]!));
        Assert.NotNull(alert["clearedAt"]);
    }

    [Fact]
    public async Task Switched_off_it_records_nothing()
    {
        await using var api = await StartAsync(new() { ["TOOL_QUEUE_ALERTS_ENABLED"] = "false", ["TOOL_QUEUE_ALERT_MAX_DLQ"] = "1" });
        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");
        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");

        var check = await (await api.WithBearer(Key).PostAsync("/api/ops/tool-jobs/monitor", null)).JsonAsync();

        Assert.Equal((false, 0), ((bool)check["enabled"]!, (int)check["createdAlerts"]!));
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.tool_queue_alerts"));
    }

    [Fact]
    public async Task Dead_letters_are_seen_by_cause_and_one_by_one()
    {
        await using var api = await StartAsync();
        var operate = api.WithBearer(Key);
        var ids = new List<string>();
        foreach (var error in new[] { "HTTP 503 after 7 ms", "HTTP 503 after 9 ms", "unreadable answer" })
        {
            ids.Insert(0, (await DieAsync(api, ToolLane.SearchWeb, error)).ToString());
        }

        var groups = (await (await operate.GetAsync($"{Letters}/groups")).JsonAsync())["items"]!.AsArray();
        var first = await (await operate.GetAsync($"{Letters}?limit=2")).JsonAsync();
        var second = await (await operate.GetAsync($"{Letters}?limit=2&cursor={first["nextCursor"]}")).JsonAsync();
        var one = await (await operate.GetAsync($"{Letters}?tool=search_web&fingerprint={groups[1]!["fingerprint"]}&ids={ids[0]},{ids[1]}&diedBefore=2999-01-01T00:00:00Z")).JsonAsync();

        Assert.Equal([2, 1], groups.Select(group => (int)group!["count"]!));
        Assert.Equal(ids, first["items"]!.AsArray().Concat(second["items"]!.AsArray()).Select(letter => (string)letter!["id"]!));
        Assert.Null(second["nextCursor"]);
        var letter = Assert.Single(one["items"]!.AsArray())!;
        Assert.Equal(("unreadable answer", "attempts_exhausted", "kettle", 1), ((string)letter["error"]!, (string)letter["reason"]!, (string)letter["arguments"]!["query"]!, letter["history"]!.AsArray().Count));
    }

    [Fact]
    public async Task They_are_run_again_or_given_up_after_a_rehearsal_and_it_is_audited()
    {
        await using var api = await StartAsync();
        var operate = api.WithBearer(Key);
        var (web, global) = (await DieAsync(api, ToolLane.SearchWeb, "HTTP 503"), await DieAsync(api, ToolLane.SearchGlobal, "HTTP 503"));

        var rehearsed = await (await operate.PostAsync($"{Letters}/requeue", """{"all":true,"dryRun":true}""".AsJson())).JsonAsync();
        var requeued = await (await operate.PostAsync($"{Letters}/requeue", $$"""{"ids":["{{web}}"]}""".AsJson())).JsonAsync();
        var discarded = await (await operate.PostAsync($"{Letters}/discard", """{"tool":"search_global"}""".AsJson())).JsonAsync();

        Assert.Equal((true, 2, 2), ((bool)rehearsed["dryRun"]!, (int)rehearsed["matched"]!, (int)rehearsed["changed"]!));
        Assert.Equal((web.ToString(), 0), ((string)Assert.Single(requeued["ids"]!.AsArray())!, (int)requeued["skipped"]!));
        Assert.Equal(1, (int)discarded["changed"]!);
        Assert.Equal("queued,cancelled", await api.ScalarAsync<string>($"select string_agg(status, ',' order by tool desc) from reliability.tool_jobs where id in ('{web}', '{global}')"));
        var audit = (await (await operate.GetAsync("/api/ops/audit")).JsonAsync())["items"]!.AsArray();
        Assert.Equal(
            [("dlq.discard", "tool=search_global limit=10000", "1 discarded"), ("dlq.requeue", $"job={web} limit=10000", "1 requeued, 0 skipped")],
            audit.Select(entry => ((string)entry!["action"]!, (string)entry["target"]!, (string)entry["after"]!)));
        Assert.All(audit, entry => Assert.StartsWith("operator at ip:", (string)entry!["actor"]!, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"all":false}""")]
    [InlineData("""{"tool":"search_ebay"}""")]
    [InlineData("""{"fingerprint":"HTTP 503"}""")]
    [InlineData("""{"ids":["nonsense"]}""")]
    [InlineData("""{"ids":[null]}""")]
    [InlineData("""{"diedBefore":"yesterday"}""")]
    [InlineData("""{"all":true,"limit":0}""")]
    [InlineData("""{"all":true,"limit":10001}""")]
    [InlineData("""{"all":true,"dryRun":"yes"}""")]
    [InlineData("{", "invalid_json")]
    public async Task An_order_that_says_nothing_clear_is_refused(string body, string code = "invalid_request")
    {
        await using var api = await StartAsync();
        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");
        foreach (var verb in new[] { "requeue", "discard" })
        {
            await (await api.WithBearer(Key).PostAsync($"{Letters}/{verb}", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, code);
        }

        Assert.Equal(1, await api.ScalarAsync<long>("select count(*) from reliability.tool_jobs where status = 'dead_letter'"));
    }

    [Fact]
    public async Task A_time_of_another_zone_is_a_time()
    {
        await using var api = await StartAsync();
        await DieAsync(api, ToolLane.SearchWeb, "HTTP 503");
        var changed = await (await api.WithBearer(Key).PostAsync($"{Letters}/discard", """{"diedBefore":"2999-01-01T00:00:00-05:00"}""".AsJson())).JsonAsync();
        Assert.Equal(1, (int)changed["changed"]!);
    }

    [Theory]
    [InlineData("/api/ops/tool-jobs?minutes=0")]
    [InlineData("/api/ops/tool-jobs?minutes=1441")]
    [InlineData("/api/ops/tool-jobs?minutes=ten")]
    [InlineData("/api/ops/tool-jobs/alerts?limit=201")]
    [InlineData("/api/ops/tool-jobs/alerts?cursor=x")]
    [InlineData($"{Letters}?limit=501")]
    [InlineData($"{Letters}?cursor=x")]
    [InlineData($"{Letters}?tool=search_ebay")]
    [InlineData($"{Letters}?fingerprint=%00")]
    [InlineData($"{Letters}?ids=1,2")]
    [InlineData($"{Letters}?diedBefore=yesterday")]
    [InlineData("/api/ops/audit?cursor=99999999999999999999")]
    public async Task Malformed_questions_are_refused(string path)
    {
        await using var api = await StartAsync();
        await (await api.WithBearer(Key).GetAsync(path)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task The_cache_is_counted_and_forgotten_by_namespace_or_as_a_whole()
    {
        await using var api = await StartAsync();
        var operate = api.WithBearer(Key);
        var (cache, spaces) = (api.Services.GetRequiredService<ToolCache>(), api.Services.GetRequiredService<ToolCacheNamespaces>());
        foreach (var key in new[] { "a", "b", "c" })
        {
            await cache.SetAsync(spaces.SearchWeb, key, "{}", CancellationToken.None);
        }

        await cache.SetAsync(spaces.Explore, "a", "{}", CancellationToken.None);

        var before = await (await operate.GetAsync("/api/ops/tool-cache")).JsonAsync();
        var some = await (await operate.PostAsync("/api/ops/tool-cache/clear?namespace=search_web_v1&maxDeletes=2", null)).JsonAsync();
        var all = await (await operate.PostAsync("/api/ops/tool-cache/clear", null)).JsonAsync();

        Assert.Equal("""{"sampledActiveEntries":4,"byNamespace":{"explore_v1":1,"search_web_v1":3}}""", before.ToJsonString());
        Assert.Equal("""{"deleted":2,"hasMore":true,"byNamespace":{"search_web_v1":2}}""", some.ToJsonString());
        Assert.Equal("""{"deleted":2,"hasMore":false,"byNamespace":{"explore_v1":1,"search_web_v1":1}}""", all.ToJsonString());
        Assert.Null(await cache.GetAsync(spaces.SearchWeb, "a", CancellationToken.None));
        Assert.Equal("search_web_v1: 2 deleted, more are left; all: 2 deleted", await api.ScalarAsync<string>(
            "select string_agg(target || ': ' || after, '; ' order by id) from reliability.operator_audit where action = 'tool_cache.clear'"));
        foreach (var query in new[] { "namespace=a%20b", "namespace=*", "maxDeletes=0", "maxDeletes=100001", "maxDeletes=x" })
        {
            await (await operate.PostAsync($"/api/ops/tool-cache/clear?{query}", null)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task Nothing_is_said_to_be_forgotten_while_Redis_is_away()
    {
        await using var api = await StartAsync(new() { ["ConnectionStrings:redis"] = "127.0.0.1:1,abortConnect=false" });

        foreach (var which in new[] { "", "?namespace=search_web_v1" })
        {
            await (await api.WithBearer(Key).PostAsync($"/api/ops/tool-cache/clear{which}", null)).RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        }
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) => SendcatApi.StartAsync(
        postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key, ["TOOL_JOB_MAX_ATTEMPTS"] = "1", ["REDIS_DECISION_TIMEOUT_MS"] = "1000" });

    private static async Task<int> CheckAsync(HttpClient operate, string what) => (int)(await (await operate.PostAsync("/api/ops/tool-jobs/monitor", null)).JsonAsync())[what]!;

    private static async Task<Guid> EnterAsync(SendcatApi api, ToolLane lane, string principal) =>
        (await api.Services.GetRequiredService<ToolJobLedger>().EnterAsync(Guid.CreateVersion7(), new(lane, """{"query":"kettle"}""", principal), default)).Id!.Value;

    private static async Task<LeasedJob> ClaimAsync(SendcatApi api, ToolLane lane) =>
        Assert.Single((await api.Services.GetRequiredService<ToolJobLeases>().ClaimAsync(lane, 1, "worker", CancellationToken.None)).Jobs);

    private static async Task<Guid> DieAsync(SendcatApi api, ToolLane lane, string error)
    {
        var job = await EnterAsync(api, lane, "ann");
        Assert.Equal("dead_letter", await api.Services.GetRequiredService<ToolJobLeases>().FailAsync((await ClaimAsync(api, lane)).Lease, error, retryable: true));
        return job;
    }
}
