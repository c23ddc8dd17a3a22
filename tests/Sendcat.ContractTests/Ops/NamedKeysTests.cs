using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Sendcat.ContractTests.Ops;

/// <summary>Keys by name: <c>/api/ops/keys</c>, and the reason that every change gives.</summary>
public sealed class NamedKeysTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";

    [Fact]
    public async Task A_key_has_its_role_until_it_is_revoked_and_its_name_is_in_the_audit()
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);

        var ann = api.WithBearer(await MakeAsync(operators, "ann", "operator"));
        var bob = api.WithBearer(await MakeAsync(operators, "bob", "viewer"));
        (await ann.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson())).EnsureSuccessStatusCode();
        (await bob.GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();
        await (await bob.DeleteAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await bob.DeleteAsync("/api/ops/keys/ann")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        (await ann.DeleteAsync("/api/ops/keys/bob")).EnsureSuccessStatusCode();

        await (await bob.GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(
            "operator key.make ann>operator, operator key.make bob>viewer, "
                + "ann (operator) knob.set ADMISSION_USER_MAX_INFLIGHT>9, ann (operator) key.revoke bob>",
            await api.ScalarAsync<string>(
                """
                select string_agg(split_part(actor, ' at ip:', 1) || ' ' || action || ' ' || target || '>' || coalesce(after, ''), ', '
                  order by id)
                from reliability.operator_audit where reason = 'a test'
                """));
    }

    [Fact]
    public async Task The_holder_of_a_key_can_read_its_name_and_role()
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);
        var bob = api.WithBearer(await MakeAsync(operators, "bob", "viewer"));

        Assert.Equal("""{"name":"operator","role":"operator"}""", await operators.GetStringAsync("/api/ops/self"));
        Assert.Equal("""{"name":"bob (viewer)","role":"viewer"}""", await bob.GetStringAsync("/api/ops/self"));
        await (await api.WithBearer("another key").GetAsync("/api/ops/self")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_key_is_shown_once_and_stored_as_its_hash()
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);

        var key = await MakeAsync(operators, "ann", "viewer");

        Assert.StartsWith("sendcat_ops_", key, StringComparison.Ordinal);
        Assert.Equal(32, await api.ScalarAsync<int>("select octet_length(hash) from reliability.operator_keys"));
        Assert.Equal(
            0, await api.ScalarAsync<long>($"select count(*) from reliability.operator_keys k where k::text like '%{key[12..]}%'"));
        var list = await (await operators.GetAsync("/api/ops/keys")).JsonAsync();
        Assert.DoesNotContain(key, list.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(("ann", "viewer"), ((string)list["items"]![0]!["name"]!, (string)list["items"]![0]!["role"]!));
    }

    [Fact]
    public async Task Another_replica_accepts_a_new_key_and_refuses_a_revoked_one_after_two_seconds()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var api = await StartAsync(time);
        var operators = api.WithBearer(Key);
        var key = await MakeAsync(operators, "ann", "viewer");
        (await api.WithBearer(key).GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();

        // As another replica does it: this one gets no signal.
        await api.ExecuteAsync("update reliability.operator_keys set revoked_at = now(), revoked_by = 'ann'");
        (await api.WithBearer(key).GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();
        time.Advance(TimeSpan.FromSeconds(2));

        await (await api.WithBearer(key).GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("""{"name":"ann","role":"viewer"}""", HttpStatusCode.Conflict, "conflict")]
    [InlineData("""{"name":"operator","role":"viewer"}""", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("""{"name":"Ann Smith","role":"viewer"}""", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("""{"name":"bob","role":"admin"}""", HttpStatusCode.BadRequest, "invalid_request")]
    [InlineData("""{"name":"bob"}""", HttpStatusCode.BadRequest, "invalid_request")]
    public async Task A_key_needs_a_free_name_and_a_role(string body, HttpStatusCode status, string code)
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);
        await MakeAsync(operators, "ann", "viewer");

        await (await operators.PostAsync("/api/ops/keys", body.AsJson())).RefusedAsync(status, code);
    }

    [Fact]
    public async Task The_name_of_a_revoked_key_is_free_again()
    {
        await using var api = await StartAsync();
        var operators = api.WithBearer(Key);
        var first = await MakeAsync(operators, "ann", "viewer");
        (await operators.DeleteAsync("/api/ops/keys/ann")).EnsureSuccessStatusCode();
        await (await operators.DeleteAsync("/api/ops/keys/ann")).RefusedAsync(HttpStatusCode.NotFound, "not_found");

        var second = await MakeAsync(operators, "ann", "viewer");

        await (await api.WithBearer(first).GetAsync("/api/ops/knobs")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        (await api.WithBearer(second).GetAsync("/api/ops/knobs")).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task A_change_without_a_reason_is_refused_and_changes_nothing()
    {
        await using var api = await StartAsync();
        var silent = api.WithBearer(Key);
        silent.DefaultRequestHeaders.Remove("x-sendcat-reason");

        await (await silent.PutAsync("/api/ops/knobs/ADMISSION_USER_MAX_INFLIGHT", "{\"value\":9}".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        foreach (var path in new[]
        {
            "/api/ops/keys", "/api/ops/admission/off", "/api/ops/tool-cache/clear", "/api/ops/tool-jobs/dead-letters/requeue",
            "/api/ops/taxonomy/refresh",
        })
        {
            await (await silent.PostAsync(path, "{}".AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }

        silent.DefaultRequestHeaders.TryAddWithoutValidation("x-sendcat-reason", "  x ");
        await (await silent.PostAsync("/api/ops/admission/off", null)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        (await silent.PostAsync("/api/ops/tool-jobs/monitor", null)).EnsureSuccessStatusCode();
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.operator_audit"));
    }

    private static async Task<string> MakeAsync(HttpClient operators, string name, string role)
    {
        using var response = await operators.PostAsync(
            "/api/ops/keys", new JsonObject { ["name"] = name, ["role"] = role }.ToJsonString().AsJson());
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (string)(await response.JsonAsync())["key"]!;
    }

    private Task<SendcatApi> StartAsync(TimeProvider? time = null) => SendcatApi.StartAsync(
        postgres, new() { ["OPS_API_KEY"] = Key }, time is null ? null : services => services.AddSingleton(time));
}
