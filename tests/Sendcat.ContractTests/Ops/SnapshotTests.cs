using System.Net;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Ops;

/// <summary><c>GET /api/ops/snapshot</c>, compared with counts made by SQL.</summary>
public sealed class SnapshotTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";

    private static string Events(int rows) => $"""
        insert into reliability.rate_limit_events (source, bucket, key, outcome, reason, dedupe_key, hits, created_at, expires_at)
        select 'chat_http', (array['chat_admission', 'chat_admission_shadow', 'whatsapp_webhook', 'chat_stream'])[1 + n % 4], 'k' || n,
            (array['allowed', 'blocked', 'contention_fallback'])[1 + n % 3],
            case when n % 3 = 0 then null else (array['user_inflight', 'global_inflight', 'redis_unavailable', 'global_msg_rate', 'guest_inflight', 'address_inflight'])[1 + n % 6] end,
            'd' || n, 1 + n % 5, now() - make_interval(secs => n % 1200), now() + interval '7 days'
        from generate_series(1, {rows}) as n
        """;

    private static string Jobs(int rows) => $$"""
        insert into reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at, announced_at,
            created_at, updated_at, started_at, completed_at, dead_letter_at, dead_letter_reason, last_error, error_fingerprint)
        select gen_random_uuid(), tool, 'realtime', 'user:' || n, '{}', status, 1, 2, at, at, at, at, at,
            case when status = 'running' then at end, case when status in ('completed', 'failed', 'cancelled', 'dead_letter') then at end,
            case when status = 'dead_letter' then at end, case when status = 'dead_letter' then 'attempts_exhausted' end, 'boom', '0123456789ab'
        from (
            select n, (array['search_web', 'search_products', 'search_global'])[1 + n % 3] as tool,
                (array['queued', 'running', 'completed', 'failed', 'dead_letter', 'cancelled', 'completed', 'completed'])[1 + n % 8] as status,
                now() - make_interval(secs => n % 1200) as at
            from generate_series(1, {{rows}}) as n) as job
        """;

    [Fact]
    public async Task Every_count_of_100_000_events_and_jobs_equals_the_one_of_SQL()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        await api.ExecuteAsync(Events(100_000));
        await api.ExecuteAsync(Jobs(100_000));
        await api.ExecuteAsync("analyze reliability.rate_limit_events; analyze reliability.tool_jobs");

        var snapshot = await SnapshotAsync(client, "?minutes=1440&limit=5");

        Assert.Equal(await api.ScalarAsync<long>("select sum(hits)::bigint from reliability.rate_limit_events"), (long)snapshot["rateLimitPressure"]!["sampledEvents"]!);
        await EqualAsync(
            api, snapshot["rateLimitPressure"]!["byBucketOutcomeReason"]!,
            "select bucket || ':' || outcome || ':' || coalesce(reason, 'none'), sum(hits)::bigint from reliability.rate_limit_events group by 1");
        await EqualAsync(
            api, snapshot["rateLimitPressure"]!["byBucketOutcome"]!, "select bucket || ':' || outcome, sum(hits)::bigint from reliability.rate_limit_events group by 1");
        await EqualAsync(
            api, snapshot["toolJobs"]!["byStatus"]!, "select case status when 'dead_letter' then 'deadLetter' else status end, count(*) from reliability.tool_jobs group by 1");
        await EqualAsync(
            api, snapshot["toolJobs"]!["byTool"]!["search_web"]!,
            "select case status when 'dead_letter' then 'deadLetter' else status end, count(*) from reliability.tool_jobs where tool = 'search_web' group by 1");
        Assert.Equal(100_000, (int)snapshot["toolJobs"]!["sampled"]!);
        Assert.Equal(5, snapshot["toolJobs"]!["recentDeadLetters"]!.AsArray().Count);
    }

    [Fact]
    public async Task The_window_cuts_events_and_ended_jobs()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(Events(2_400));
        await api.ExecuteAsync(Jobs(2_400));
        await api.ExecuteAsync("update reliability.rate_limit_events set created_at = created_at - interval '5 minutes' where created_at < now() - interval '10 minutes'");
        await api.ExecuteAsync("update reliability.tool_jobs set completed_at = completed_at - interval '5 minutes' where completed_at < now() - interval '10 minutes'");

        var snapshot = await SnapshotAsync(api.WithBearer(Key), "?minutes=12");

        Assert.Equal(
            await api.ScalarAsync<long>("select sum(hits)::bigint from reliability.rate_limit_events where created_at > now() - interval '12 minutes'"),
            (long)snapshot["rateLimitPressure"]!["sampledEvents"]!);
        Assert.Equal(
            await api.ScalarAsync<long>("select count(*) from reliability.tool_jobs where status = 'completed' and completed_at > now() - interval '12 minutes'"),
            (long)snapshot["toolJobs"]!["byStatus"]!["completed"]!);
        Assert.Equal(12, (int)snapshot["windowMinutes"]!);
    }

    [Fact]
    public async Task Rates_of_admission_are_shares_of_all_decisions()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(
            """
            insert into reliability.rate_limit_events (source, bucket, key, outcome, reason, dedupe_key, hits, created_at, expires_at)
            select 'chat_http', bucket, 'k', outcome, reason, bucket || outcome || coalesce(reason, ''), hits, now(), now() + interval '7 days'
            from (values ('chat_admission', 'allowed', null, 60), ('chat_admission', 'blocked', 'user_inflight', 30), ('chat_admission', 'contention_fallback', 'redis_unavailable', 10),
                ('chat_admission_shadow', 'allowed', null, 3), ('chat_admission_shadow', 'blocked', 'global_inflight', 1)) as e(bucket, outcome, reason, hits)
            """);

        var admission = (await SnapshotAsync(api.WithBearer(Key), ""))["chatAdmission"]!;

        Assert.Equal("""{"allowed":60,"blocked":30,"contentionFallback":10}""", admission["enforce"]!.ToJsonString());
        Assert.Equal("""{"shadowWouldBlockRate":0.25,"enforceRejectRate":0.4,"redisUnavailableShare":0.243902}""", admission["falsePositivePressure"]!.ToJsonString());
        Assert.Equal(["user_inflight", "redis_unavailable", "global_inflight"], admission["topReasons"]!.AsArray().Select(reason => (string)reason!["reason"]!));
    }

    [Fact]
    public async Task Events_are_listed_by_their_properties_and_summed_like_in_SQL()
    {
        await using var api = await StartAsync(new() { ["OPS_MAX_ROWS_PER_SECTION"] = "5000" });
        var client = api.WithBearer(Key);
        await api.ExecuteAsync(Events(2_400));
        await api.ExecuteAsync("update reliability.rate_limit_events set source = 'http', path = '/api/x', method = 'POST', retry_after_ms = 7 where key = 'k12'");

        var all = await (await client.GetAsync("/api/ops/events?limit=5000")).JsonAsync();
        var some = await (await client.GetAsync("/api/ops/events?bucket=chat_stream&outcome=blocked&reason=global_inflight&source=chat_http&minutes=10&limit=10")).JsonAsync();
        var more = await (await client.GetAsync($"/api/ops/events?limit=10&bucket=chat_stream&cursor={some["nextCursor"]}")).JsonAsync();
        var one = Assert.Single((await (await client.GetAsync("/api/ops/events?key=k12")).JsonAsync())["items"]!.AsArray())!;
        var summary = await (await client.GetAsync("/api/ops/events/summary?minutes=30")).JsonAsync();

        Assert.Equal((2_400, null), (all["items"]!.AsArray().Count, all["nextCursor"]));
        var ids = some["items"]!.AsArray().Concat(more["items"]!.AsArray()).Select(row => long.Parse((string)row!["id"]!, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(20, ids.Length);
        Assert.Equal(ids.OrderDescending(), ids);
        Assert.All(some["items"]!.AsArray(), row => Assert.Equal(("chat_stream", "blocked", "global_inflight"), ((string)row!["bucket"]!, (string)row["outcome"]!, (string)row["reason"]!)));
        Assert.Equal(("http", "/api/x", "POST", 7), ((string)one["source"]!, (string)one["path"]!, (string)one["method"]!, (int)one["retryAfterMs"]!));
        Assert.Equal(await api.ScalarAsync<long>("select sum(hits)::bigint from reliability.rate_limit_events"), (long)summary["total"]!);
        await EqualAsync(api, summary["bySourceBucketOutcome"]!, "select source || ':' || bucket || ':' || outcome, sum(hits)::bigint from reliability.rate_limit_events group by 1");
        await EqualAsync(
            api, summary["byBucketOutcomeReason"]!,
            "select bucket || ':' || outcome || ':' || coalesce(reason, 'none'), sum(hits)::bigint from reliability.rate_limit_events group by 1");
    }

    [Fact]
    public async Task Webhook_keys_are_counted_by_scope_with_their_repetitions()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(
            """
            insert into reliability.webhook_inbox (scope, key, delivery_id, hit_count, first_seen_at, last_seen_at, expires_at)
            select scope, 'k' || n, gen_random_uuid(), n, now() - at, now(), now() + interval '1 day'
            from (values ('gmail_push', 1, interval '0'), ('gmail_push', 4, interval '0'), ('whatsapp_message', 3, interval '0'), ('whatsapp_message', 9, interval '1 hour')) as k(scope, n, at)
            """);

        var replay = (await SnapshotAsync(api.WithBearer(Key), ""))["replayProtection"]!;

        Assert.Equal((3, 5), ((int)replay["keysInWindow"]!, (int)replay["duplicateHitsInWindow"]!));
        Assert.Equal("""{"totalKeys":2,"duplicateKeys":1,"duplicateHits":3}""", replay["byScope"]!["gmail_push"]!.ToJsonString());
        Assert.Equal("""{"totalKeys":1,"duplicateKeys":1,"duplicateHits":2}""", replay["byScope"]!["whatsapp_message"]!.ToJsonString());
    }

    [Fact]
    public async Task The_settings_are_those_in_force_and_no_secret_is_among_them()
    {
        await using var api = await StartAsync(new() { ["ADMISSION_REDIS_TOKEN"] = "a very secret token", ["CIRCUIT_SERPER_THRESHOLD"] = "7" });
        var client = api.WithBearer(Key);
        (await client.PutAsync("/api/ops/knobs/RATE_LIMIT_CHAT_STREAM_MAX", "{\"value\":31}".AsJson())).EnsureSuccessStatusCode();

        var snapshot = await SnapshotAsync(client, "");
        var config = snapshot["config"]!;

        Assert.Equal("""{"max":31,"windowMs":300000}""", config["rateLimits"]!["chatStream"]!.ToJsonString());
        Assert.All(["gmailPushWebhook", "whatsappWebhook", "gmailOAuthCallback", "whatsappLinkingCode"], name => Assert.NotNull(config["rateLimits"]![name]));
        Assert.Equal(7, (int)config["circuits"]!["serper_search"]!["threshold"]!);
        Assert.Equal(12, (int)config["bulkheads"]!["serper_search"]!["maxConcurrent"]!);
        Assert.Equal("***redacted***", (string)config["admission"]!["redisToken"]!);
        Assert.Equal("search_web_v1", (string)config["toolCacheNamespaces"]!["webSearch"]!);
        Assert.Equal((80, 2), ((int)config["toolJobs"]!["maxQueuedByTool"]!["search_web"]!, (int)config["toolJobs"]!["maxRunningByQos"]!["realtime"]!));
        Assert.DoesNotContain("a very secret token", snapshot.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal((0, 0), ((int)snapshot["circuitBreakers"]!["openCount"]!, (int)snapshot["bulkheads"]!["activeLeaseCount"]!));
    }

    [Theory]
    [InlineData("?minutes=0")]
    [InlineData("?minutes=1441")]
    [InlineData("?limit=4")]
    [InlineData("?limit=51")]
    [InlineData("?limit=many")]
    public async Task A_parameter_out_of_range_is_refused(string query)
    {
        await using var api = await StartAsync();

        await (await api.WithBearer(Key).GetAsync($"/api/ops/snapshot{query}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await api.Anyone.GetAsync("/api/ops/snapshot")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private static async Task<JsonNode> SnapshotAsync(HttpClient client, string query) => await (await client.GetAsync($"/api/ops/snapshot{query}")).JsonAsync();

    private static async Task EqualAsync(SendcatApi api, JsonNode counts, string sql)
    {
        await using var command = api.Database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var expected = new SortedDictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync())
        {
            expected[reader.GetString(0)] = reader.GetInt64(1);
        }

        Assert.Equal(expected, new SortedDictionary<string, long>(counts.AsObject().Where(count => (long)count.Value! > 0).ToDictionary(count => count.Key, count => (long)count.Value!), StringComparer.Ordinal));
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) => SendcatApi.StartAsync(postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key });
}
