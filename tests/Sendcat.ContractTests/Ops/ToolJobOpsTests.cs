using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Shopping;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ContractTests.Ops;

/// <summary>Operator endpoints for the tool queue, its alerts, its dead letters and the tool cache.</summary>
public sealed class ToolJobOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";
    private const string DeadLettersPath = "/api/ops/tool-jobs/dead-letters";

    public static TheoryData<string, string> Operations => new()
    {
        { "GET", "/api/ops/tool-jobs" }, { "GET", "/api/ops/tool-jobs/alerts" }, { "POST", "/api/ops/tool-jobs/monitor" },
        { "GET", DeadLettersPath }, { "GET", $"{DeadLettersPath}/groups" }, { "POST", $"{DeadLettersPath}/requeue" },
        { "POST", $"{DeadLettersPath}/discard" }, { "POST", $"{DeadLettersPath}/changes" }, { "GET", "/api/ops/events" },
        { "GET", "/api/ops/tool-cache" }, { "POST", "/api/ops/tool-cache/clear" }, { "GET", "/api/ops/audit" },
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Without_a_valid_key_every_operation_is_401(string method, string path)
    {
        var api = await postgres.ApiAsync();
        foreach (var client in new[] { api.Anyone, api.WithBearer("another key"), await api.GuestAsync() })
        {
            await (await client.SendAsync(new(new(method), path) { Content = method == "POST" ? "{\"all\":true}".AsJson() : null }))
                .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    [Fact]
    public async Task Queue_statistics_include_status_tool_age_and_pressure()
    {
        await using var api = await StartAsync(new() { ["TOOL_JOB_QMAX_WEB"] = "4" });
        await EnterAsync(api, QueuedTool.SearchWeb.Lane, "a");
        await EnterAsync(api, QueuedTool.SearchWeb.Lane, "b");
        await EnterAsync(api, QueuedTool.SearchGlobal.Lane, "c");
        await DeadLetterAsync(api, QueuedTool.SearchProducts.Lane, "HTTP 503");
        await ClaimAsync(api, QueuedTool.SearchGlobal.Lane);
        await api.ExecuteAsync("update reliability.tool_jobs set available_at = now() - interval '30 seconds' where tool = 'search_web'");

        var queue = await (await api.WithBearer(Key).GetAsync("/api/ops/tool-jobs?minutes=60")).JsonAsync();

        Assert.Equal(
            """{"queued":2,"running":1,"completed":0,"failed":0,"deadLetter":1,"cancelled":0}""", queue["byStatus"]!.ToJsonString());
        Assert.Equal(
            (2, 1, 1),
            ((int)queue["byTool"]!["search_web"]!["queued"]!, (int)queue["byTool"]!["search_global"]!["running"]!,
                (int)queue["byTool"]!["search_products"]!["deadLetter"]!));
        Assert.Equal(
            (0.5, 1.0),
            ((double)queue["pressureByTool"]!["search_web"]!["queuedUtilization"]!,
                (double)queue["pressureByTool"]!["search_global"]!["runningUtilization"]!));
        Assert.True((long)queue["oldestQueuedAgeMs"]! >= 30_000);
        Assert.Equal(
            ("ok", 16, 60),
            ((string)queue["health"]!["level"]!, queue["health"]!["findings"]!.AsArray().Count, (int)queue["windowMinutes"]!));
    }

    [Fact]
    public async Task A_value_above_its_threshold_raises_an_alert_that_is_cleared_afterwards()
    {
        await using var api = await StartAsync(new() { ["TOOL_QUEUE_ALERT_MAX_DLQ"] = "1" });
        var client = api.WithBearer(Key);
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        Assert.Equal(0, await CheckAsync(client, "createdAlerts"));

        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        Assert.Equal("warning", (string)(await (await client.GetAsync("/api/ops/tool-jobs")).JsonAsync())["health"]!["level"]!);
        Assert.Equal(1, await CheckAsync(client, "createdAlerts"));
        await (await client.PostAsync($"{DeadLettersPath}/discard", """{"tool":"search_web"}""".AsJson())).JsonAsync();
        Assert.Equal(1, await CheckAsync(client, "clearedAlerts"));

        var alert = Assert.Single((await (await client.GetAsync("/api/ops/tool-jobs/alerts")).JsonAsync())["items"]!.AsArray())!;
        Assert.Equal(
            ("dead_letter_depth", 2L, 1L, 5),
            ((string)alert["kind"]!, (long)alert["observed"]!, (long)alert["threshold"]!, (int)alert["windowMinutes"]!));
        Assert.NotNull(alert["clearedAt"]);
    }

    [Fact]
    public async Task With_alerts_disabled_no_alert_is_recorded()
    {
        await using var api = await StartAsync(new() { ["TOOL_QUEUE_ALERTS_ENABLED"] = "false", ["TOOL_QUEUE_ALERT_MAX_DLQ"] = "1" });
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");

        var check = await (await api.WithBearer(Key).PostAsync("/api/ops/tool-jobs/monitor", null)).JsonAsync();

        Assert.Equal((false, 0), ((bool)check["enabled"]!, (int)check["createdAlerts"]!));
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.tool_queue_alerts"));
    }

    [Fact]
    public async Task Dead_letters_are_listed_in_groups_and_individually()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        var ids = new List<string>();
        foreach (var error in new[] { "HTTP 503 after 7 ms", "HTTP 503 after 9 ms", "unreadable answer" })
        {
            ids.Insert(0, (await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, error)).ToString());
        }

        var groups = (await (await client.GetAsync($"{DeadLettersPath}/groups")).JsonAsync())["items"]!.AsArray();
        var first = await (await client.GetAsync($"{DeadLettersPath}?limit=2")).JsonAsync();
        var second = await (await client.GetAsync($"{DeadLettersPath}?limit=2&cursor={first["nextCursor"]}")).JsonAsync();
        var one = await (await client.GetAsync(
            $"{DeadLettersPath}?tool=search_web&fingerprint={groups[1]!["fingerprint"]}&ids={ids[0]},{ids[1]}"
            + "&diedBefore=2999-01-01T00:00:00Z")).JsonAsync();

        Assert.Equal([2, 1], groups.Select(group => (int)group!["count"]!));
        Assert.Equal(ids, first["items"]!.AsArray().Concat(second["items"]!.AsArray()).Select(letter => (string)letter!["id"]!));
        Assert.Null(second["nextCursor"]);
        var letter = Assert.Single(one["items"]!.AsArray())!;
        Assert.Equal(
            ("unreadable answer", "attempts_exhausted", "kettle", 1),
            ((string)letter["error"]!, (string)letter["reason"]!, (string)letter["arguments"]!["query"]!,
                letter["history"]!.AsArray().Count));
        Assert.Equal((0, null), ((int)letter["replayCount"]!, letter["lastReplay"]));

        await api.ExecuteAsync(
            $"update reliability.tool_jobs set replay_count = 2, dead_letter_reason = case id when '{ids[0]}' then 'partial_result' "
            + $"else 'replay_failed' end where id in ('{ids[0]}', '{ids[1]}')");
        var replayed = await (await client.GetAsync($"{DeadLettersPath}?ids={ids[0]},{ids[1]}")).JsonAsync();
        Assert.Equal(
            ["2 partial", "2 failed"],
            replayed["items"]!.AsArray().OrderBy(each => ids.IndexOf((string)each!["id"]!))
                .Select(each => $"{each!["replayCount"]} {each["lastReplay"]!["result"]}"));
    }

    [Fact]
    public async Task Dead_letters_are_requeued_or_discarded_after_a_dry_run_and_both_are_audited()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        var (web, global) =
            (await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503"),
                await DeadLetterAsync(api, QueuedTool.SearchGlobal.Lane, "HTTP 503"));

        var dryRun = await (await client.PostAsync($"{DeadLettersPath}/requeue", """{"all":true,"dryRun":true}""".AsJson())).JsonAsync();
        var requeued = await (await client.PostAsync($"{DeadLettersPath}/requeue", $$"""{"ids":["{{web}}"]}""".AsJson())).JsonAsync();
        var discarded = await (await client.PostAsync($"{DeadLettersPath}/discard", """{"tool":"search_global"}""".AsJson())).JsonAsync();

        Assert.Equal((true, 2, 2), ((bool)dryRun["dryRun"]!, (int)dryRun["matched"]!, (int)dryRun["changed"]!));
        Assert.Equal((web.ToString(), 0), ((string)Assert.Single(requeued["ids"]!.AsArray())!, (int)requeued["skipped"]!));
        Assert.Equal(1, (int)discarded["changed"]!);
        Assert.Equal(
            "queued,cancelled",
            await api.ScalarAsync<string>(
                $"select string_agg(status, ',' order by tool desc) from reliability.tool_jobs where id in ('{web}', '{global}')"));
        var audit = (await (await client.GetAsync("/api/ops/audit")).JsonAsync())["items"]!.AsArray();
        Assert.Equal(
            [
                ("dlq.discard", "tool=search_global limit=10000", "1 discarded"),
                ("dlq.requeue", $"job={web} limit=10000", "1 requeued, 0 skipped"),
            ],
            audit.Select(entry => ((string)entry!["action"]!, (string)entry["target"]!, (string)entry["after"]!)));
        Assert.All(audit, entry => Assert.StartsWith("operator at ip:", (string)entry!["actor"]!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task All_dead_letters_that_match_a_search_are_requeued_in_the_background_once_their_number_is_confirmed()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        var letter = await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        await DeadLetterAsync(api, QueuedTool.SearchGlobal.Lane, "HTTP 503");

        const string Search = "tool=search_web&principal=ann&arguments=kettle&diedAfter=2020-01-01T00:00:00Z";
        Assert.Equal(1, (int)(await (await client.GetAsync($"{DeadLettersPath}/count?{Search}")).JsonAsync())["matched"]!);
        Assert.Equal(
            letter.ToString(),
            (string)Assert.Single((await (await client.GetAsync($"{DeadLettersPath}?{Search}")).JsonAsync())["items"]!.AsArray())!["id"]!);
        await (await client.PostAsync($"{DeadLettersPath}/changes", """{"action":"requeue","tool":"search_web","confirm":2}""".AsJson()))
            .RefusedAsync(HttpStatusCode.Conflict, "conflict");
        var created = await client.PostAsync(
            $"{DeadLettersPath}/changes",
            """{"action":"requeue","tool":"search_web","principal":"ann","arguments":"kettle","confirm":1}""".AsJson());
        Assert.Equal(HttpStatusCode.Accepted, created.StatusCode);
        var change = $"{DeadLettersPath}/changes/{(await created.JsonAsync())["id"]}";
        var found = await UntilAsync(client, change, it => (string)it["state"]! == "settling");

        Assert.Equal(
            ("tool=search_web principal=ann arguments=kettle", 1, 1, 0),
            ((string)found["target"]!, (int)found["matched"]!, (int)found["changed"]!, (int)found["skipped"]!));
        Assert.Equal("""{"whole":0,"partial":0,"failed":0,"pending":1}""", found["report"]!.ToJsonString());
        var job = await (await client.GetAsync($"/api/ops/tool-jobs/{letter}")).JsonAsync();
        Assert.Equal(
            ("queued", 1, "ann", 1),
            ((string)job["status"]!, (int)job["replayCount"]!, (string)job["principal"]!, job["history"]!.AsArray().Count));
        Assert.Equal(
            (string)found["id"]!,
            (string)Assert.Single((await (await client.GetAsync($"{DeadLettersPath}/changes")).JsonAsync())["items"]!.AsArray())!["id"]!);
        await (await client.PostAsync($"{change}/cancel", null)).RefusedAsync(HttpStatusCode.Conflict, "conflict");
        await (await client.GetAsync($"{DeadLettersPath}/changes/{letter}")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await client.GetAsync("/api/ops/tool-jobs/nonsense")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Dead_letters_are_not_requeued_into_an_isolated_circuit_without_force()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        (await client.PostAsync("/api/ops/circuits/serper_search/isolate", null)).EnsureSuccessStatusCode();

        var text = await (await client.PostAsync($"{DeadLettersPath}/requeue", """{"all":true}""".AsJson()))
            .RefusedAsync(HttpStatusCode.Conflict, "conflict");
        var change = (string)(await (await client.PostAsync(
            $"{DeadLettersPath}/changes", """{"action":"requeue","all":true,"confirm":1}""".AsJson())).JsonAsync())["id"]!;
        await UntilAsync(client, $"{DeadLettersPath}/changes/{change}", it => (string?)it["waitsFor"] == "serper_search");
        await (await client.PostAsync($"{DeadLettersPath}/changes/{change}/cancel", null)).JsonAsync();
        var forced = await (await client.PostAsync($"{DeadLettersPath}/requeue", """{"all":true,"force":true}""".AsJson())).JsonAsync();

        Assert.Contains("The circuit of serper_search is open", text, StringComparison.Ordinal);
        Assert.Equal(1, (int)forced["changed"]!);
    }

    [Theory]
    [InlineData("""{"action":"requeue","all":true}""")]
    [InlineData("""{"action":"retry","all":true,"confirm":1}""")]
    [InlineData("""{"action":"discard","confirm":1}""")]
    [InlineData("""{"action":"discard","confirm":0,"all":true}""")]
    [InlineData("""{"action":"discard","confirm":1,"arguments":"- !"}""")]
    [InlineData("""{"action":"discard","confirm":1,"tool":"search_web","diedBefor":"2020-01-01T00:00:00Z"}""")]
    public async Task An_invalid_change_of_all_that_match_is_rejected(string body)
    {
        await using var api = await StartAsync();

        await (await api.WithBearer(Key).PostAsync($"{DeadLettersPath}/changes", body.AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
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
    [InlineData("""{"tool":"search_web","diedbefore":"2020-01-01T00:00:00Z"}""")]
    [InlineData("{", "invalid_json")]
    public async Task An_invalid_selection_of_dead_letters_is_rejected(string body, string code = "invalid_request")
    {
        await using var api = await StartAsync();
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        foreach (var verb in new[] { "requeue", "discard" })
        {
            await (await api.WithBearer(Key).PostAsync($"{DeadLettersPath}/{verb}", body.AsJson()))
                .RefusedAsync(HttpStatusCode.BadRequest, code);
        }

        Assert.Equal(1, await api.ScalarAsync<long>("select count(*) from reliability.tool_jobs where status = 'dead_letter'"));
    }

    [Fact]
    public async Task A_time_with_a_zone_offset_is_accepted()
    {
        await using var api = await StartAsync();
        await DeadLetterAsync(api, QueuedTool.SearchWeb.Lane, "HTTP 503");
        var changed = await (await api.WithBearer(Key)
            .PostAsync($"{DeadLettersPath}/discard", """{"diedBefore":"2999-01-01T00:00:00-05:00"}""".AsJson())).JsonAsync();
        Assert.Equal(1, (int)changed["changed"]!);
    }

    [Theory]
    [InlineData("/api/ops/tool-jobs?minutes=0")]
    [InlineData("/api/ops/tool-jobs?minutes=1441")]
    [InlineData("/api/ops/tool-jobs?minutes=ten")]
    [InlineData("/api/ops/tool-jobs/alerts?limit=201")]
    [InlineData("/api/ops/tool-jobs/alerts?cursor=x")]
    [InlineData($"{DeadLettersPath}?limit=501")]
    [InlineData($"{DeadLettersPath}?cursor=x")]
    [InlineData($"{DeadLettersPath}?tool=search_ebay")]
    [InlineData($"{DeadLettersPath}?fingerprint=%00")]
    [InlineData($"{DeadLettersPath}?ids=1,2")]
    [InlineData($"{DeadLettersPath}?diedBefore=yesterday")]
    [InlineData($"{DeadLettersPath}/count?arguments=%7B%7D")]
    [InlineData($"{DeadLettersPath}/changes?cursor=x")]
    [InlineData("/api/ops/events?limit=51")]
    [InlineData("/api/ops/events?cursor=x")]
    [InlineData("/api/ops/events?minutes=10081")]
    [InlineData("/api/ops/events/summary?minutes=1441")]
    [InlineData("/api/ops/audit?cursor=99999999999999999999")]
    public async Task Malformed_queries_are_rejected(string path)
    {
        await using var api = await StartAsync();
        await (await api.WithBearer(Key).GetAsync(path)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task The_cache_is_counted_and_cleared_by_namespace_or_completely()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        var (cache, spaces) = (api.Services.GetRequiredService<ToolCache>(), api.Services.GetRequiredService<ToolCacheNamespaces>());
        foreach (var key in new[] { "a", "b", "c" })
        {
            await cache.SetAsync(spaces.Of(QueuedTool.SearchWeb.Cache), key, "{}", CancellationToken.None);
        }

        await cache.SetAsync(spaces.Of(ShopCache.Explore), "a", "{}", CancellationToken.None);

        var before = await (await client.GetAsync("/api/ops/tool-cache")).JsonAsync();
        var some = await (await client.PostAsync("/api/ops/tool-cache/clear?namespace=search_web_v1&maxDeletes=2", null)).JsonAsync();
        var all = await (await client.PostAsync("/api/ops/tool-cache/clear", null)).JsonAsync();

        Assert.Equal("""{"sampledActiveEntries":4,"byNamespace":{"explore_v1":1,"search_web_v1":3}}""", before.ToJsonString());
        Assert.Equal("""{"deleted":2,"hasMore":true,"byNamespace":{"search_web_v1":2}}""", some.ToJsonString());
        Assert.Equal("""{"deleted":2,"hasMore":false,"byNamespace":{"explore_v1":1,"search_web_v1":1}}""", all.ToJsonString());
        Assert.Null(await cache.GetAsync(spaces.Of(QueuedTool.SearchWeb.Cache), "a", CancellationToken.None));
        Assert.Equal("search_web_v1: 2 deleted, more are left; all: 2 deleted", await api.ScalarAsync<string>(
            "select string_agg(target || ': ' || after, '; ' order by id) from reliability.operator_audit "
            + "where action = 'tool_cache.clear'"));
        foreach (var query in new[] { "namespace=a%20b", "namespace=*", "maxDeletes=0", "maxDeletes=100001", "maxDeletes=x" })
        {
            await (await client.PostAsync($"/api/ops/tool-cache/clear?{query}", null))
                .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task Clearing_the_cache_is_503_while_Redis_is_unreachable()
    {
        await using var api = await StartAsync(new() { ["ConnectionStrings:redis"] = "127.0.0.1:1,abortConnect=false" });

        foreach (var which in new[] { "", "?namespace=search_web_v1" })
        {
            await (await api.WithBearer(Key).PostAsync($"/api/ops/tool-cache/clear{which}", null))
                .RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
        }
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) => SendcatApi.StartAsync(
        postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key, ["TOOL_JOB_MAX_ATTEMPTS"] = "1" });

    /// <summary>Reads an object until it has a state that no signal reports.</summary>
    private static async Task<JsonNode> UntilAsync(HttpClient client, string path, Func<JsonNode, bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var found = await (await client.GetAsync(path, timeout.Token)).JsonAsync();
            if (condition(found))
            {
                return found;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, timeout.Token);
        }
    }

    private static async Task<int> CheckAsync(HttpClient client, string field) =>
        (int)(await (await client.PostAsync("/api/ops/tool-jobs/monitor", null)).JsonAsync())[field]!;

    private static async Task<Guid> EnterAsync(SendcatApi api, ToolLane lane, string principal) =>
        (await api.Services.GetRequiredService<ToolJobLedger>()
            .EnterAsync(Guid.CreateVersion7(), new(lane, """{"query":"kettle"}""", principal), default)).Id!.Value;

    private static async Task<LeasedJob> ClaimAsync(SendcatApi api, ToolLane lane) =>
        Assert.Single((await api.Services.GetRequiredService<ToolJobLeases>().ClaimAsync(lane, 1, "worker", CancellationToken.None)).Jobs);

    private static async Task<Guid> DeadLetterAsync(SendcatApi api, ToolLane lane, string error)
    {
        var job = await EnterAsync(api, lane, "ann");
        Assert.Equal(
            "dead_letter",
            await api.Services.GetRequiredService<ToolJobLeases>().FailAsync((await ClaimAsync(api, lane)).Lease, error, retryable: true));
        return job;
    }
}
