using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Ops;

public sealed class OpsEndpointsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";

    [Theory]
    [InlineData(null)]
    [InlineData("another key")]
    [InlineData("")]
    public async Task Without_a_valid_key_every_operation_is_401(string? key)
    {
        await using var api = await StartAsync();
        var client = key is null ? api.Anyone : api.WithBearer(key);

        await (await client.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson()))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT"))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.PostAsync("/api/ops/admission/off", null)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Without_a_configured_key_an_operator_request_is_401()
    {
        var api = await postgres.ApiAsync();
        await (await api.Anyone.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Setting_and_resetting_a_knob_takes_effect_and_is_audited()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);

        var set = await (await client.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson())).JsonAsync();
        var now = await KnobAsync(client, "ADMISSION_USER_MAX_INFLIGHT");
        await (await client.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).JsonAsync();
        var after = await KnobAsync(client, "ADMISSION_USER_MAX_INFLIGHT");

        Assert.Equal("9", (string)set["value"]!);
        Assert.Equal(("9", "override"), ((string)now["value"]!, (string)now["source"]!));
        Assert.Equal(("1", "default"), ((string)after["value"]!, (string)after["source"]!));
        Assert.Equal(2, await api.ScalarAsync<long>(
            "select count(*) from reliability.operator_audit where target = 'ADMISSION_USER_MAX_INFLIGHT' "
            + "and actor like 'operator at ip:%'"));
    }

    [Fact]
    public async Task A_knob_for_a_time_shows_who_set_it_until_when_and_what_it_replaces()
    {
        await using var api = await StartAsync(new() { ["ADMISSION_USER_MAX_INFLIGHT"] = "4" });
        var client = api.WithBearer(Key);
        await (await client.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", """{"value":5}""".AsJson())).JsonAsync();

        var set = await (await client.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", """{"value":9,"forSeconds":900}""".AsJson()))
            .JsonAsync();
        var listed = await KnobAsync(client, "ADMISSION_USER_MAX_INFLIGHT");
        var undone = await (await client.PutAsync(
            "/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", """{"value":5,"forSeconds":60,"then":null}""".AsJson())).JsonAsync();
        await (await client.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).JsonAsync();

        Assert.Equal(("5", "9", "5", null), ((string)set["before"]!, (string)set["value"]!, (string)set["then"]!, set["beforeUntil"]));
        var now = TimeProvider.System.GetUtcNow();
        Assert.InRange((DateTimeOffset)set["until"]!, now.AddMinutes(13), now.AddMinutes(16));
        Assert.Equal(
            ("9", "override", "4", "5", (string)set["until"]!),
            ((string)listed["value"]!, (string)listed["source"]!, (string)listed["configured"]!, (string)listed["then"]!,
                (string)listed["until"]!));
        Assert.StartsWith("operator at ip:", (string)listed["setBy"]!, StringComparison.Ordinal);
        Assert.Equal(
            ("9", (string)set["until"]!, "5", null),
            ((string)undone["before"]!, (string)undone["beforeUntil"]!, (string)undone["beforeThen"]!, undone["then"]));
        var after = await KnobAsync(client, "ADMISSION_USER_MAX_INFLIGHT");
        Assert.Equal(("4", null, null), ((string)after["value"]!, after["until"], after["configured"]));
    }

    [Fact]
    public async Task A_change_that_cannot_take_effect_says_why()
    {
        await using var api = await StartAsync(new() { ["FF_PROVIDER_FAILOVER_ENABLED"] = "false" });
        var client = api.WithBearer(Key);
        Assert.Null(await WarningAsync("CIRCUIT_EBAY_COOLDOWN_MS", 60_000));
        await (await client.PostAsync("/api/ops/circuits/ebay_search/isolate?seconds=600", null)).JsonAsync();

        Assert.StartsWith(
            "The circuit of ebay_search is open until ", await WarningAsync("CIRCUIT_EBAY_COOLDOWN_MS", 60_000), StringComparison.Ordinal);
        Assert.Null(await WarningAsync("CIRCUIT_EBAY_THRESHOLD", 5));
        Assert.Null(await WarningAsync("CIRCUIT_SERPER_COOLDOWN_MS", 60_000));
        Assert.Equal(
            "It has no effect while FF_PROVIDER_FAILOVER_ENABLED is off", await WarningAsync("CHAT_PROVIDER_PRIMARY_DRAIN_PCT", 10));
        Assert.Equal("It has no effect; see its description", await WarningAsync("TOOL_JOB_CLAIM_SCAN", 100));
        Assert.StartsWith(
            "It is read at start alone", (string)(await KnobAsync(client, "SENDCAT_STRICT_CONFIG"))["warning"]!, StringComparison.Ordinal);
        await (await client.PutAsync("/api/ops/knobs/SENDCAT_STRICT_CONFIG", """{"value":true}""".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

        async Task<string?> WarningAsync(string name, int value) =>
            (string?)(await (await client.PutAsync($"/api/ops/knobs/{name}", $$"""{"value":{{value}}}""".AsJson())).JsonAsync())["warning"];
    }

    [Theory]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"forSeconds\":9}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"forSeconds\":2592001}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"forseconds\":60}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"then\":4}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"forSeconds\":60,\"then\":[]}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData(
        "ADMISSION_USER_MAX_INFLIGHT", "{\"value\":5,\"forSeconds\":60,\"then\":1000}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":0}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":\"many\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":null}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("RESEND_API_KEY", "{\"value\":\"re_stolen\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("OPENROUTER_BASE_URL", "{\"value\":\"https://collector.example\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("APP_URL", "{\"value\":\"https://collector.example\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("NO_SUCH_KNOB", "{\"value\":1}", HttpStatusCode.NotFound, "not_found")]
    public async Task An_invalid_knob_value_or_name_is_rejected(string name, string body, HttpStatusCode status, string code)
    {
        await using var api = await StartAsync();
        await (await api.WithBearer(Key).PutAsync($"/api/ops/knobs/{name}", body.AsJson())).RefusedAsync(status, code);
    }

    [Fact]
    public async Task Admission_is_switched_by_mode_name_and_secrets_are_not_returned()
    {
        await using var api = await StartAsync(new() { ["RESEND_API_KEY"] = "re_very_secret" });
        var client = api.WithBearer(Key);

        await (await client.PostAsync("/api/ops/admission/enforce", null)).JsonAsync();
        Assert.Equal("true", (string)(await KnobAsync(client, "FF_ADMISSION_ENFORCE"))["value"]!);
        await (await client.PostAsync("/api/ops/admission/off", null)).JsonAsync();
        Assert.Equal("false", (string)(await KnobAsync(client, "ADMISSION_REDIS_ENABLED"))["value"]!);
        await (await client.PostAsync("/api/ops/admission/sometimes", null)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.DoesNotContain("re_very_secret", await client.GetStringAsync("/api/ops/knobs"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("enforce", "shadow")]
    [InlineData("enforce", "off")]
    [InlineData("shadow", "enforce")]
    [InlineData("off", "enforce")]
    public async Task A_switch_back_to_the_configured_mode_of_admission_leaves_no_override(string configured, string other)
    {
        await using var api = await StartAsync(new()
        {
            ["ADMISSION_REDIS_ENABLED"] = configured == "off" ? "false" : "true",
            ["ADMISSION_REDIS_SHADOW_MODE"] = configured == "enforce" ? "false" : "true",
            ["FF_ADMISSION_ENFORCE"] = configured == "enforce" ? "true" : "false",
        });
        var client = api.WithBearer(Key);
        await (await client.PostAsync($"/api/ops/admission/{other}", null)).JsonAsync();
        Assert.Equal(3, await api.ScalarAsync<long>("select count(*) from reliability.knob_overrides"));

        var back = await (await client.PostAsync($"/api/ops/admission/{configured}", null)).JsonAsync();

        Assert.Equal(configured, (string)back["mode"]!);
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.knob_overrides"));
        Assert.Equal(
            3,
            await api.ScalarAsync<long>("select count(*) from reliability.operator_audit where action = 'knob.clear' and before is not null"));
        Assert.Equal(
            configured == "off" ? "false" : "true", (string)(await KnobAsync(client, "ADMISSION_REDIS_ENABLED"))["value"]!);
    }

    [Fact]
    public async Task Admission_is_switched_for_a_time_in_one_step_and_its_mode_of_before_applies_afterwards()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        await (await client.PostAsync("/api/ops/admission/enforce", null)).JsonAsync();

        var shadow = await (await client.PostAsync("/api/ops/admission/shadow?forSeconds=900", null)).JsonAsync();

        var now = TimeProvider.System.GetUtcNow();
        Assert.InRange((DateTimeOffset)shadow["until"]!, now.AddMinutes(13), now.AddMinutes(16));
        Assert.Equal(
            [
                ("ADMISSION_REDIS_ENABLED", "true", "true"), ("ADMISSION_REDIS_SHADOW_MODE", "true", "false"),
                ("FF_ADMISSION_ENFORCE", "false", "true"),
            ],
            await Task.WhenAll(
                new[] { "ADMISSION_REDIS_ENABLED", "ADMISSION_REDIS_SHADOW_MODE", "FF_ADMISSION_ENFORCE" }.Select(async name =>
                {
                    var knob = await KnobAsync(client, name);
                    return (name, (string)knob["value"]!, (string)knob["then"]!);
                })));
        Assert.Equal(
            1,
            await api.ScalarAsync<long>("select count(distinct created_at) from reliability.operator_audit where after like '% until %'"));
        await (await client.PostAsync("/api/ops/admission/shadow?forSeconds=soon", null))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task A_taxonomy_refresh_is_202_when_a_worker_is_subscribed_and_503_when_none_is()
    {
        await using var api = await StartAsync();
        var client = api.WithBearer(Key);
        await (await client.PostAsync("/api/ops/taxonomy/refresh", null))
            .RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");

        var requested = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var worker = api.Services.GetRequiredService<IConnectionMultiplexer>().GetSubscriber();
        await worker.SubscribeAsync(RedisKeys.TaxonomyRefreshRequested, (_, marketplace) => requested.TrySetResult(marketplace!));
        using var accepted = await client.PostAsync("/api/ops/taxonomy/refresh", null);
        var result = await accepted.JsonAsync();

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal(("EBAY_US", 1, 0), ((string)result["marketplace"]!, (int)result["workers"]!, (int)result["categories"]!));
        Assert.Equal("EBAY_US", await requested.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(2, await api.ScalarAsync<long>(
            "select count(*) from reliability.operator_audit where action = 'taxonomy.refresh' "
            + "and after like 'received by % workers'"));
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) =>
        SendcatApi.StartAsync(postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key });

    private static async Task<JsonNode> KnobAsync(HttpClient client, string name) =>
        (await (await client.GetAsync("/api/ops/knobs")).JsonAsync())["items"]!.AsArray().Single(knob => (string)knob!["name"]! == name)!;
}
