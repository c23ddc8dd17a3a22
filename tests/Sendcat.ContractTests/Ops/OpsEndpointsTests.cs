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
    public async Task Without_the_key_nothing_is_shown_and_nothing_changes(string? key)
    {
        await using var api = await StartAsync();
        var client = key is null ? api.Anyone : api.WithBearer(key);

        await (await client.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson())).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await client.PostAsync("/api/ops/admission/off", null)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Where_no_key_is_configured_there_is_no_operator()
    {
        var api = await postgres.ApiAsync();
        await (await api.Anyone.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_knob_is_set_takes_effect_is_audited_and_is_given_back()
    {
        await using var api = await StartAsync();
        var operate = api.WithBearer(Key);

        var set = await (await operate.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson())).JsonAsync();
        var now = await KnobAsync(operate, "ADMISSION_USER_MAX_INFLIGHT");
        await (await operate.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).JsonAsync();
        var after = await KnobAsync(operate, "ADMISSION_USER_MAX_INFLIGHT");

        Assert.Equal("9", (string)set["value"]!);
        Assert.Equal(("9", "override"), ((string)now["value"]!, (string)now["source"]!));
        Assert.Equal(("1", "default"), ((string)after["value"]!, (string)after["source"]!));
        Assert.Equal(2, await api.ScalarAsync<long>("select count(*) from reliability.operator_audit where target = 'ADMISSION_USER_MAX_INFLIGHT' and actor like 'operator at ip:%'"));
    }

    [Theory]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":0}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":\"many\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{\"value\":null}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("ADMISSION_USER_MAX_INFLIGHT", "{}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("RESEND_API_KEY", "{\"value\":\"re_stolen\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("OPENROUTER_BASE_URL", "{\"value\":\"https://collector.example\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("APP_URL", "{\"value\":\"https://collector.example\"}", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("NO_SUCH_KNOB", "{\"value\":1}", HttpStatusCode.NotFound, "not_found")]
    public async Task What_a_knob_cannot_be_is_refused(string name, string body, HttpStatusCode status, string code)
    {
        await using var api = await StartAsync();
        await (await api.WithBearer(Key).PutAsync($"/api/ops/knobs/{name}", body.AsJson())).RefusedAsync(status, code);
    }

    [Fact]
    public async Task Admission_is_switched_by_name_and_secrets_are_never_shown()
    {
        await using var api = await StartAsync(new() { ["RESEND_API_KEY"] = "re_very_secret" });
        var operate = api.WithBearer(Key);

        await (await operate.PostAsync("/api/ops/admission/enforce", null)).JsonAsync();
        Assert.Equal("true", (string)(await KnobAsync(operate, "FF_ADMISSION_ENFORCE"))["value"]!);
        await (await operate.PostAsync("/api/ops/admission/off", null)).JsonAsync();
        Assert.Equal("false", (string)(await KnobAsync(operate, "ADMISSION_REDIS_ENABLED"))["value"]!);
        await (await operate.PostAsync("/api/ops/admission/sometimes", null)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.DoesNotContain("re_very_secret", await operate.GetStringAsync("/api/ops/knobs"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taxonomy_refresh_is_accepted_when_a_worker_listens_and_unavailable_when_none_does()
    {
        await using var api = await StartAsync();
        var operate = api.WithBearer(Key);
        await (await operate.PostAsync("/api/ops/taxonomy/refresh", null)).RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");

        var requested = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var worker = api.Services.GetRequiredService<IConnectionMultiplexer>().GetSubscriber();
        await worker.SubscribeAsync(RedisKeys.TaxonomyRefreshRequested, (_, marketplace) => requested.TrySetResult(marketplace!));
        using var accepted = await operate.PostAsync("/api/ops/taxonomy/refresh", null);
        var answer = await accepted.JsonAsync();

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal(("EBAY_US", 1, 0), ((string)answer["marketplace"]!, (int)answer["workers"]!, (int)answer["categories"]!));
        Assert.Equal("EBAY_US", await requested.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(2, await api.ScalarAsync<long>("select count(*) from reliability.operator_audit where action = 'taxonomy.refresh' and after like 'received by % workers'"));
    }

    private Task<SendcatApi> StartAsync(Dictionary<string, string>? settings = null) => SendcatApi.StartAsync(postgres, new(settings ?? []) { ["OPS_API_KEY"] = Key });

    private static async Task<JsonNode> KnobAsync(HttpClient client, string name) =>
        (await (await client.GetAsync("/api/ops/knobs")).JsonAsync())["items"]!.AsArray().Single(knob => (string)knob!["name"]! == name)!;
}
