using System.Net;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Ops;

/// <summary>What holds for every operation of operators that changes something, also for those that are added.</summary>
public sealed class EveryChangeTests(PostgresFixture postgres)
{
    private const string Operator = "an operator key for these tests";
    private const string Viewer = "a viewer key for these tests";
    private const string Root = "/api/ops/";

    /// <summary>Reported data, and a check that changes no setting and no job: neither a reason nor an audit row.</summary>
    private static readonly string[] WithoutReason = ["POST packages", "POST tool-jobs/monitor"];

    /// <summary>A request of each change, in an order in which all succeed. The restart ends the API.</summary>
    private static readonly (string Route, string Address, string? Body)[] Changes =
    [
        ("POST replicas/{id}/release", "replicas/dead/release", null),
        ("PUT knobs/{name}", "knobs/OPS_DEFAULT_WINDOW_MINUTES", """{"value":30}"""),
        ("DELETE knobs/{name}", "knobs/OPS_DEFAULT_WINDOW_MINUTES", null),
        ("POST admission/{mode}", "admission/shadow", null),
        ("POST circuits/{provider}/isolate", "circuits/serper_search/isolate?seconds=60", null),
        ("POST circuits/{provider}/close", "circuits/serper_search/close", null),
        ("POST clean-ups/{name}", "clean-ups/events", null),
        ("POST routes/{id}/drain", "routes/primary/drain?percent=10", null),
        ("POST routes/{id}/test", "routes/primary/test", null),
        ("POST routes/models", "routes/models", """{"swap":"agent"}"""),
        ("POST callers/block", "callers/block", """{"caller":"192.0.2.1","minutes":5}"""),
        ("POST callers/unblock", "callers/unblock", """{"caller":"192.0.2.1"}"""),
        ("POST alerts/{id:long}/acknowledge", "alerts/1/acknowledge", null),
        ("POST tool-jobs/dead-letters/changes", "tool-jobs/dead-letters/changes", """{"action":"discard","confirm":1,"all":true}"""),
        ("POST tool-jobs/dead-letters/changes/{id}/cancel", "tool-jobs/dead-letters/changes/{change}/cancel", null),
        ("POST tool-jobs/dead-letters/requeue", "tool-jobs/dead-letters/requeue", """{"all":true}"""),
        ("POST tool-jobs/dead-letters/discard", "tool-jobs/dead-letters/discard", """{"all":true}"""),
        ("POST tool-cache/clear", "tool-cache/clear", null),
        ("POST taxonomy/refresh", "taxonomy/refresh", null),
        ("POST schedule/{name}/run", "schedule/count-runs/run", null),
        ("POST keys", "keys", """{"name":"bob","role":"viewer"}"""),
        ("DELETE keys/{name}", "keys/bob", null),
        ("POST replicas/{id}/drain", "replicas/{own}/drain?force=true", null),
        ("POST replicas/{id}/resume", "replicas/{own}/resume", null),
        ("POST replicas/{id}/restart", "replicas/{own}/restart?force=true", null),
    ];

    private const string Rows =
        """
        insert into reliability.alerts (kind, subject, severity, cause, command, playbook, over_when, observed, threshold, tags, raised_at,
            seen_at, notified_at)
        values ('quota', '', 'page', '', '', '', '', 1, 0, '{}', now(), now(), now());
        insert into reliability.scheduled_jobs (name, description, interval_ms, listed_at, next_run_at)
        values ('count-runs', 'Counts.', 3600000, now(), now() + interval '1 hour');
        insert into reliability.tool_jobs (id, tool, qos_class, principal, args, status, attempts, max_attempts, available_at, fair_at,
            announced_at, created_at, updated_at, completed_at, expires_at, dead_letter_at, dead_letter_reason, last_error,
            error_fingerprint)
        values (gen_random_uuid(), 'search_web', 'realtime', 'session:1', '{}', 'dead_letter', 3, 3, now(), now(), now(), now(), now(),
            now(), now() + interval '7 days', now(), 'attempts_exhausted', 'HTTP 503', 'a1b2c3d4e5f6')
        """;

    [Fact]
    public async Task Every_change_writes_an_audit_row_with_its_reason()
    {
        await using var api = await StartAsync();
        Assert.Equal(Changes.Select(change => change.Route).Order(), RoutesOf(api).Except(WithoutReason).Order());
        await api.ExecuteAsync(Rows);
        var (operators, own) = (api.WithBearer(Operator), await OwnIdAsync(api));
        var redis = api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        await redis.SortedSetAddAsync(RedisKeys.Replicas, "dead", 1);
        await redis.HashSetAsync(RedisKeys.LeasesOf("dead"), "turn", "bulkhead:serper_search");

        foreach (var (route, address, body) in Changes)
        {
            var change = address.Contains("{change}", StringComparison.Ordinal)
                ? (await api.ScalarAsync<Guid>("select id from reliability.dead_letter_changes")).ToString() : "";
            using var response = await SendAsync(
                operators, route,
                address.Replace("{own}", own, StringComparison.Ordinal).Replace("{change}", change, StringComparison.Ordinal), body);

            // No worker takes the request to refresh, and the single letter is discarded before the cancellation.
            Assert.True(
                response.IsSuccessStatusCode || response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.Conflict,
                $"{route}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
            Assert.True(
                await api.ScalarAsync<long>(
                    "select count(*) from reliability.operator_audit "
                    + $"where reason = 'reason of {route}' and actor like 'operator at ip:%'") > 0,
                $"{route} left no audit row");
        }
    }

    [Fact]
    public async Task No_change_is_made_by_GET_by_a_viewer_without_a_key_or_without_a_reason()
    {
        await using var api = await StartAsync();
        await api.ExecuteAsync(Rows);
        var (operators, viewers, silent) = (api.WithBearer(Operator), api.WithBearer(Viewer), api.WithBearer(Operator));
        silent.DefaultRequestHeaders.Remove("x-sendcat-reason");
        var reads = RoutesOf(api, "GET").Select(route => route["GET ".Length..]).ToHashSet(StringComparer.Ordinal);

        foreach (var (route, address, body) in Changes)
        {
            var path = address.Replace("{own}", "own", StringComparison.Ordinal)
                .Replace("{change}", Guid.Empty.ToString(), StringComparison.Ordinal);
            await (await SendAsync(viewers, route, path, body)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            await (await SendAsync(api.Anyone, route, path, body)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
            using var unexplained = new HttpRequestMessage(HttpMethod.Parse(route.Split(' ')[0]), Root + path) { Content = body?.AsJson() };
            await (await silent.SendAsync(unexplained)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
            if (!reads.Contains(route.Split(' ')[1]))
            {
                using var read = await operators.GetAsync(Root + path);
                Assert.True(
                    read.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, $"GET {path}: {read.StatusCode}");
            }
        }

        foreach (var route in WithoutReason)
        {
            await (await SendAsync(viewers, route, route.Split(' ')[1], "{}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.operator_audit"));
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string route, string path, string? body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(route.Split(' ')[0]), Root + path) { Content = body?.AsJson() };
        request.Headers.Add("x-sendcat-reason", $"reason of {route}");
        return await client.SendAsync(request);
    }

    /// <summary>The operations as <c>POST keys</c>.</summary>
    /// <param name="method">Null: all methods but GET.</param>
    private static List<string> RoutesOf(SendcatApi api, string? method = null) =>
        [
            .. from endpoint in api.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
               let path = endpoint.RoutePattern.RawText
               where path?.StartsWith(Root, StringComparison.Ordinal) == true
               from known in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
               where method is null ? known != "GET" : known == method
               select $"{known} {path![Root.Length..].TrimEnd('/')}",
        ];

    private static async Task<string> OwnIdAsync(SendcatApi api)
    {
        var id = api.Services.GetRequiredService<ReplicaId>().ToString();
        var redis = api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await redis.KeyExistsAsync(RedisKeys.ProcessStatus(id)))
        {
            await poll.WaitForNextTickAsync(timeout.Token);
        }

        return id;
    }

    /// <summary>The heartbeats are far apart, so that none of them reaps the dead replica before the test does.</summary>
    private Task<SendcatApi> StartAsync() => SendcatApi.StartAsync(
        postgres,
        new()
        {
            ["OPS_API_KEY"] = Operator, ["OPS_VIEWER_KEY"] = Viewer, ["REDIS_REPLICA_BEAT_MS"] = "5000",
            ["OPENROUTER_BASE_URL"] = "http://127.0.0.1:1", ["OPENROUTER_API_KEY"] = "test",
        });
}
