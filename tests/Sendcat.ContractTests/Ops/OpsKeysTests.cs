using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Sendcat.ApiService.Ops;

namespace Sendcat.ContractTests.Ops;

/// <summary>Operator and viewer keys and the limit of wrong keys per client address.</summary>
public sealed class OpsKeysTests(PostgresFixture postgres)
{
    private const string Operator = "an operator key for these tests";
    private const string Viewer = "a viewer key for these tests";

    [Fact]
    public async Task A_viewer_key_can_read_and_cannot_change_anything()
    {
        await using var api = await StartAsync();
        var viewer = api.WithBearer(Viewer);

        foreach (var page in new[]
        {
            "/api/ops/knobs", "/api/ops/audit", "/api/ops/tool-jobs", "/api/ops/tool-jobs/dead-letters", "/openapi/v1.json",
        })
        {
            using var read = await viewer.GetAsync(page);
            Assert.Equal((HttpStatusCode.OK, page), (read.StatusCode, page));
        }

        await (await viewer.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson()))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await viewer.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        foreach (var change in new[]
        {
            "/api/ops/admission/off", "/api/ops/tool-cache/clear", "/api/ops/tool-jobs/dead-letters/requeue",
            "/api/ops/tool-jobs/dead-letters/discard", "/api/ops/taxonomy/refresh", "/api/ops/tool-jobs/monitor",
        })
        {
            await (await viewer.PostAsync(change, "{}".AsJson())).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.operator_audit"));
    }

    [Fact]
    public async Task Health_returns_details_only_to_operators_and_viewers()
    {
        await using var api = await StartAsync();

        foreach (var (key, detailed) in new[] { (Operator, true), (Viewer, true), ("another key", false) })
        {
            var health = await (await api.WithBearer(key).GetAsync("/api/chat/health")).Content.ReadAsStringAsync();
            Assert.Equal(detailed, health.Contains("circuits", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Wrong_keys_are_recorded_as_events_and_are_429_beyond_the_budget()
    {
        await using var api = await StartAsync(new() { ["OPS_KEY_FAILURES_PER_ADDRESS_PER_MIN"] = "3" });
        var unauthorized = api.WithBearer("not the key, and a long one too");

        for (var n = 0; n < 3; n++)
        {
            await (await unauthorized.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        using var beyond = await unauthorized.GetAsync("/api/ops/knobs");
        await beyond.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(beyond.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(120));
        await EventuallyAsync(
            async () => await api.ScalarAsync<long>(
                "select coalesce(sum(hits), 0)::bigint from reliability.rate_limit_events where bucket = 'ops_key'") == 4);
        Assert.Equal(3, await api.ScalarAsync<long>(
            "select sum(hits)::bigint from reliability.rate_limit_events where bucket = 'ops_key' and reason = 'wrong_key' "
            + "and path = '/api/ops/knobs'"));
        Assert.Equal(
            0, await api.ScalarAsync<long>("select count(*) from reliability.rate_limit_events e where e::text like '%not the key%'"));
    }

    [Fact]
    public async Task A_valid_key_is_accepted_from_an_address_with_an_exhausted_failure_budget()
    {
        await using var api = await StartAsync(new() { ["OPS_KEY_FAILURES_PER_ADDRESS_PER_MIN"] = "1" });
        var unauthorized = api.WithBearer("not the key, and a long one too");
        await (await unauthorized.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await unauthorized.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");

        (await api.WithBearer(Operator).GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();
        (await api.WithBearer(Viewer).GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task A_missing_key_and_an_access_token_for_health_do_not_count_as_failures()
    {
        await using var api = await StartAsync(new() { ["OPS_KEY_FAILURES_PER_ADDRESS_PER_MIN"] = "1" });
        var (user, _) = await api.UserAsync();
        for (var n = 0; n < 3; n++)
        {
            await user.GetAsync("/api/chat/health");
            await (await api.Anyone.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        await (await api.WithBearer("not the key").GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_key_is_accepted_only_in_the_authorization_header()
    {
        await using var api = await StartAsync();
        foreach (var name in new[] { "key", "api_key", "apiKey", "access_token", "token", "authorization" })
        {
            await (await api.Anyone.GetAsync($"/api/ops/knobs?{name}={Uri.EscapeDataString(Operator)}"))
                .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        using var basic = new HttpRequestMessage(HttpMethod.Get, "/api/ops/knobs")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Basic", Operator) },
        };
        await (await api.Anyone.SendAsync(basic)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        using var header = new HttpRequestMessage(HttpMethod.Get, "/api/ops/knobs") { Headers = { { "x-api-key", Operator } } };
        await (await api.Anyone.SendAsync(header)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("OPS_API_KEY")]
    [InlineData("OPS_VIEWER_KEY")]
    public void Outside_development_a_short_key_fails_the_start(string name)
    {
        var (shortest, shorter) = (new string('k', 24), new string('k', 23));

        var refused = Assert.Throws<InvalidOperationException>(() => Load("Production", (name, shorter)));

        Assert.StartsWith($"{name} has 23 characters and needs at least 24.", refused.Message, StringComparison.Ordinal);
        Load("Production", (name, shortest));
        Load("Development", (name, shorter));
    }

    [Fact]
    public void One_key_for_both_roles_fails_the_start() =>
        Assert.Contains(
            "the same key",
            Assert.Throws<InvalidOperationException>(
                () => Load("Development", ("OPS_API_KEY", Operator), ("OPS_VIEWER_KEY", Operator))).Message,
            StringComparison.Ordinal);

    private static OpsKeys Load(string environment, params (string Name, string Value)[] settings) => OpsKeys.Load(
        new ConfigurationBuilder().AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value))).Build(),
        new HostingEnvironment { EnvironmentName = environment });

    /// <summary>Polls until the condition holds, for at most 30 s. The API writes its events once a second.</summary>
    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await poll.WaitForNextTickAsync(timeout.Token);
        }
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) => SendcatApi.StartAsync(
        postgres, new(settings ?? []) { ["OPS_API_KEY"] = Operator, ["OPS_VIEWER_KEY"] = Viewer });
}
