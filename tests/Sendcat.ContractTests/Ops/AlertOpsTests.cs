using System.Net;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Ops;

/// <summary><c>/api/ops/alerts</c> and <c>/api/ops/conditions</c>.</summary>
public sealed class AlertOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";
    private const string ViewerKey = "a viewer key for these tests";

    private const string Alerts =
        """
        insert into reliability.alerts (kind, subject, severity, cause, command, playbook, over_when, observed, threshold, tags, raised_at,
            seen_at, notified_at, resolved_at)
        values
            ('redis_emptied', '', 'page', 'Redis came back empty.', 'look', 'page#a', 'over', 1, 0, '{}', now() - interval '1 hour',
            now() - interval '1 hour', now() - interval '1 hour', now()),
            ('circuit_open', 'ebay_search', 'ticket', 'It opened.', 'look', 'page#b', 'over', 4, 0, '{"provider":"ebay_search"}', now(),
            now(), now(), null);
        insert into reliability.alert_notices (alert_id, channel, event, message_id, created_at, next_attempt_at, attempts, failed_at,
            failure)
        select id, 'webhook', 'raised', gen_random_uuid(), now(), now(), 2, now(), 'status 503'
        from reliability.alerts where kind = 'circuit_open';
        """;

    [Fact]
    public async Task An_alert_is_listed_with_its_messages_and_acknowledged_once_with_a_reason()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(Alerts);
        var (operators, viewers) = (api.WithBearer(Key), api.WithBearer(ViewerKey));

        var open = await ListAsync(viewers, "?open=true");
        var alert = Assert.Single(open)!;
        Assert.Equal(
            ("circuit_open", "ebay_search", "raised", "ticket", "page#b"),
            ((string)alert["kind"]!, (string)alert["subject"]!, (string)alert["state"]!, (string)alert["severity"]!,
                (string)alert["playbook"]!));
        var message = Assert.Single(alert["messages"]!.AsArray())!;
        Assert.Equal(
            ("webhook", 2, "status 503", null),
            ((string)message["channel"]!, (int)message["attempts"]!, (string)message["failure"]!, (string?)message["sentAt"]));
        Assert.Equal(["raised", "resolved"], (await ListAsync(viewers, "")).Select(row => (string)row!["state"]!));
        Assert.Equal("redis_emptied", (string)Assert.Single(await ListAsync(viewers, $"?cursor={alert["id"]}"))!["kind"]!);

        var path = $"/api/ops/alerts/{alert["id"]}/acknowledge";
        await (await viewers.PostAsync(path, null)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        var acknowledged = await (await operators.PostAsync(path, null)).JsonAsync();
        (await operators.PostAsync(path, null)).EnsureSuccessStatusCode();

        Assert.Equal(("acknowledged", "a test"), ((string)acknowledged["state"]!, (string)acknowledged["acknowledgedReason"]!));
        Assert.Equal(
            "alert.acknowledge circuit_open:ebay_search a test",
            await api.ScalarAsync<string>(
                "select string_agg(concat_ws(' ', action, after, reason), ', ') from reliability.operator_audit"));
        await (await operators.PostAsync("/api/ops/alerts/999999/acknowledge", null)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        await (await viewers.GetAsync("/api/ops/alerts?open=maybe")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Conditions_name_silent_workers_stuck_leases_drift_and_refused_callers()
    {
        await using var api = await StartAsync();
        var viewers = api.WithBearer(ViewerKey);
        Assert.Equal(
            """{"silentWorkers":[],"stuckLeases":[],"watchesEnding":0,"parserDrift":[],"callers":[],"died":[]}""",
            await ConditionsAsync(viewers));

        // A job lease takes 45 s: one was renewed just now, one has half of its time left, and one ended a lease time ago.
        await api.ExecuteAsync(
            """
            insert into reliability.tool_jobs (id, tool, qos_class, principal, args, status, max_attempts, lease_owner, lease_expires_at,
                available_at, fair_at, announced_at, created_at, updated_at, started_at)
            select gen_random_uuid(), 'search_web', 'realtime', 'user:1', '{}', 'running', 2, owner, now() + rest, now(), now(), now(),
                now(), now(), now()
            from (values
                ('host:1:lives', interval '44 seconds'), ('host:2:silent', interval '10 seconds'),
                ('host:3:stuck', interval '-50 seconds')) as job(owner, rest);
            insert into reliability.scheduled_jobs (name, description, interval_ms, listed_at, next_run_at, lease_until, result)
            values
                ('monitor-parser-drift', '', 3600000, now(), now(), null, 'drift of amazon, shein'),
                ('stuck-job', '', 3600000, now(), now(), now() - interval '6 minutes', null);
            insert into reliability.rate_limit_events (source, bucket, key, outcome, dedupe_key, hits, created_at, expires_at)
            values
                ('http', 'chat_stream', 'chat_stream:user:1', 'blocked', 'a', 30, now(), now()),
                ('http', 'chat_stream', 'chat_stream:user:1', 'blocked', 'b', 12, now(), now()),
                ('http', 'chat_stream', 'chat_stream:user:2', 'blocked', 'c', 50, now() - interval '6 minutes', now()),
                ('http', 'chat_stream', 'chat_stream:user:3', 'allowed', 'd', 99, now(), now()),
                ('chat_http', 'provider_failover', 'provider_failover:openrouter_chat_primary', 'blocked', 'e', 99, now(), now());
            insert into reliability.incident_marks (at, kind, subject, title, key)
            values
                (now(), 'process_died', 'worker 7', 'Its heartbeat timed out', 'f'),
                (now(), 'process_started', 'worker 8', 'Started', 'g'),
                (now() - interval '6 minutes', 'process_died', 'worker 9', 'Its heartbeat timed out', 'h');
            """);
        var conditions = JsonNode.Parse(await ConditionsAsync(viewers))!;

        Assert.Equal(
            ["host:2:silent", "host:3:stuck"],
            conditions["silentWorkers"]!.AsArray().Select(worker => (string)worker!["worker"]!).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["scheduled_job stuck-job 1", "tool_jobs host:3:stuck 1"],
            conditions["stuckLeases"]!.AsArray().Select(lease => $"{lease!["what"]} {lease["name"]} {lease["count"]}")
                .Order(StringComparer.Ordinal));
        Assert.Equal(["amazon", "shein"], conditions["parserDrift"]!.AsArray().Select(merchant => (string)merchant!));
        Assert.Equal(
            """[{"bucket":"chat_stream","outcome":"blocked","caller":"chat_stream:user:1","hits":42}]""",
            conditions["callers"]!.ToJsonString());
        Assert.Equal(["worker 7"], conditions["died"]!.AsArray().Select(process => (string)process!["process"]!));
    }

    private static async Task<JsonArray> ListAsync(HttpClient client, string query) =>
        (await (await client.GetAsync($"/api/ops/alerts{query}")).JsonAsync())["items"]!.AsArray();

    private static async Task<string> ConditionsAsync(HttpClient client)
    {
        var conditions = (await (await client.GetAsync("/api/ops/conditions")).JsonAsync()).AsObject();
        Assert.True(conditions.Remove("generatedAt"));
        return conditions.ToJsonString();
    }

    private Task<SendcatApi> StartAsync() =>
        SendcatApi.StartAsync(postgres, new() { ["OPS_API_KEY"] = Key, ["OPS_VIEWER_KEY"] = ViewerKey });
}
