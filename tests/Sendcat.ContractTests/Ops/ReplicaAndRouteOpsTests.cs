using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Snapshot;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Ops;

/// <summary>Replicas, routes and the timeline of an incident, on one API whose provider is emulated.</summary>
public sealed class ReplicaAndRouteOpsTests(PostgresFixture postgres)
{
    private const string Key = "an operator key for these tests";

    [Fact]
    public async Task A_drained_replica_takes_no_turns_is_not_ready_and_takes_them_again()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await StartAsync(model);
        var client = api.WithBearer(Key);
        var own = await EventuallyAsync(async () =>
            (await ReplicasAsync(client)).SingleOrDefault(replica => (string?)replica["kind"] == "api"));
        var id = (string)own["id"]!;
        Assert.Equal((true, false, 0), ((bool)own["lives"]!, (bool)own["draining"]!, (int)own["turns"]!));
        Assert.Matches(@"^\d+\.\d+\.\d+ \([0-9a-f]{8}\)$", (string)own["version"]!);

        await (await client.PostAsync($"/api/ops/replicas/{id}/drain", null)).RefusedAsync(HttpStatusCode.Conflict, "conflict");
        Assert.True((bool)(await (await client.PostAsync($"/api/ops/replicas/{id}/drain?force=true", null)).JsonAsync())["draining"]!);
        await EventuallyAsync(() => Task.FromResult(api.Services.GetRequiredService<Drain>().IsOn ? "drained" : null));

        var guest = await api.GuestAsync();
        using (var refused = await guest.PostAsync("/api/chat", """{"message":"hello"}""".AsJson()))
        {
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.Equal("replica_drained", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
        }

        await EventuallyAsync(async () =>
            (await api.Anyone.GetAsync("/health")).StatusCode == HttpStatusCode.ServiceUnavailable ? "unready" : null);
        var drained = (await ReplicasAsync(client)).Single(replica => (string)replica["id"]! == id);
        Assert.Equal((true, "a test"), ((bool)drained["draining"]!, (string)drained["drained"]!["reason"]!));

        await (await client.PostAsync($"/api/ops/replicas/{id}/resume", null)).JsonAsync();
        Assert.False((bool)(await ReplicasAsync(client)).Single(replica => (string)replica["id"]! == id)["draining"]!);
        await EventuallyAsync(() => Task.FromResult(api.Services.GetRequiredService<Drain>().IsOn ? null : "resumed"));
        using var served = await guest.PostAsync("/api/chat", """{"message":"[[emu text=Hello]]"}""".AsJson());
        Assert.Contains("\"type\":\"done\"", await served.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(
            "replica.drain: drained; replica.resume: resumed",
            await api.ScalarAsync<string>(
                "select string_agg(action || ': ' || after, '; ' order by id) from reliability.operator_audit where reason = 'a test'"));
    }

    [Fact]
    public async Task A_route_is_drained_tested_and_gets_its_models_in_one_step()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await StartAsync(model);
        var (client, guest) = (api.WithBearer(Key), await api.GuestAsync());

        await (await client.PostAsync("/api/ops/routes/primary/drain?percent=100", null)).JsonAsync();
        var turn = await (await guest.PostAsync("/api/chat", """{"message":"[[emu text=Hello]]"}""".AsJson())).Content.ReadAsStringAsync();
        Assert.Contains("\"routeId\":\"secondary\"", turn, StringComparison.Ordinal);
        Assert.Equal((100, null), ((int)(await RoutesAsync(client))[0]["drainPercent"]!, (await RoutesAsync(client))[0]["drainUntil"]));
        await (await client.PostAsync("/api/ops/routes/primary/drain?percent=0", null)).JsonAsync();
        Assert.Equal(0, await api.ScalarAsync<long>("select count(*) from reliability.knob_overrides"));

        var drained = await (await client.PostAsync("/api/ops/routes/primary/drain?percent=30&forSeconds=900", null)).JsonAsync();
        var now = TimeProvider.System.GetUtcNow();
        Assert.InRange((DateTimeOffset)drained["until"]!, now.AddMinutes(13), now.AddMinutes(16));
        Assert.Equal(
            ((string)drained["until"]!, 30),
            ((string)(await RoutesAsync(client))[0]["drainUntil"]!, (int)(await RoutesAsync(client))[0]["drainPercent"]!));
        await (await client.PostAsync("/api/ops/routes/primary/drain?percent=0", null)).JsonAsync();
        await (await client.PostAsync("/api/ops/routes/primary/drain?percent=30&forSeconds=9", null))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

        model.Direct("[[emu model=openai/gpt-5 status=503]]");
        var failed = await (await client.PostAsync("/api/ops/routes/primary/test?class=agent", null)).JsonAsync();
        model.ClearDirections();
        var works = await (await client.PostAsync("/api/ops/routes/primary/test?class=agent", null)).JsonAsync();
        Assert.Equal((false, 503, true), ((bool)failed["ok"]!, (int)failed["status"]!, (bool)works["ok"]!));

        var before = (await RoutesAsync(client))[0]["models"]!;
        await (await client.PostAsync("/api/ops/routes/models", """{"agentPrimary":"a/one","agentSecondary":"not a model"}""".AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Equal(before.ToJsonString(), (await RoutesAsync(client))[0]["models"]!.ToJsonString());
        var swapped = await (await client.PostAsync("/api/ops/routes/models", """{"swap":"agent"}""".AsJson())).JsonAsync();

        var routes = await RoutesAsync(client);
        Assert.Equal(2, swapped["changes"]!.AsArray().Count);
        Assert.Equal(("moonshotai/kimi-k2.5", "openai/gpt-5"),
            ((string)routes[0]["models"]!["agent"]!, (string)routes[1]["models"]!["agent"]!));
        Assert.Equal(("closed", 0), ((string)routes[0]["circuit"]!["state"]!, (int)routes[0]["drainPercent"]!));
    }

    [Fact]
    public async Task A_half_open_circuit_of_a_route_without_turns_is_closed_by_a_test_call()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await StartAsync(model, retestMs: "1");
        var client = api.WithBearer(Key);

        await (await client.PostAsync("/api/ops/circuits/openrouter_chat_secondary/isolate?seconds=1", null)).JsonAsync();

        var circuit = await EventuallyAsync(async () =>
            (await RoutesAsync(client))[1]["circuit"] is { } now && (string)now["state"]! == "closed" ? now : null);
        Assert.Equal(1, (int)circuit["successCount"]!);
    }

    [Fact]
    public async Task The_timeline_has_circuits_processes_and_changes_in_order_on_pages_and_as_a_file()
    {
        await using var model = await UpstreamEmulatorHost.StartAsync();
        await using var api = await StartAsync(model);
        var client = api.WithBearer(Key);
        await (await client.PostAsync("/api/ops/circuits/ebay_search/isolate?seconds=60", null)).JsonAsync();
        await (await client.PostAsync("/api/ops/circuits/ebay_search/close", null)).JsonAsync();
        await (await client.PutAsync("/api/ops/knobs/OPS_DEFAULT_WINDOW_MINUTES", """{"value":"30"}""".AsJson())).JsonAsync();

        var all = await EventuallyAsync(async () =>
        {
            var page = (await (await client.GetAsync("/api/ops/timeline")).JsonAsync())["items"]!.AsArray();
            return page.Any(entry => (string)entry!["kind"]! == "circuit_closed") ? page : null;
        });
        Assert.Equal(
            ["circuit_closed", "circuit_opened", "deployment", "knob", "operator", "process_started"],
                all.Select(entry => (string)entry!["kind"]!).Distinct().Order());
        Assert.Equal(all.Select(entry => (DateTime)entry!["at"]!).OrderDescending(), all.Select(entry => (DateTime)entry!["at"]!));
        var knob = all.Single(entry => (string)entry!["kind"]! == "knob")!;
        Assert.Equal(("OPS_DEFAULT_WINDOW_MINUTES", "configuration → 30", "a test"),
            ((string)knob["subject"]!, (string)knob["detail"]!, (string)knob["reason"]!));

        var (ids, cursor) = (new List<string>(), "");
        do
        {
            var page = await (await client.GetAsync($"/api/ops/timeline?limit=2&cursor={cursor}")).JsonAsync();
            ids.AddRange(page["items"]!.AsArray().Select(entry => (string)entry!["id"]!));
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);

        Assert.Equal(all.Select(entry => (string)entry!["id"]!), ids);
        Assert.Equal(["knob"],
            (await (await client.GetAsync("/api/ops/timeline?kinds=knob")).JsonAsync())["items"]!.AsArray()
            .Select(entry => (string)entry!["kind"]!));
        using var csv = await client.GetAsync("/api/ops/timeline?format=csv");
        Assert.Equal("text/csv", csv.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("at,kind,subject,title,detail,actor,reason\r\n", await csv.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("| Isolated by an operator | ebay_search |", await client.GetStringAsync("/api/ops/timeline?format=markdown"),
            StringComparison.Ordinal);
        await (await client.GetAsync("/api/ops/timeline?kinds=weather")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static async Task<IReadOnlyList<JsonNode>> ReplicasAsync(HttpClient client) =>
        [.. (await (await client.GetAsync("/api/ops/replicas")).JsonAsync())["items"]!.AsArray().Select(replica => replica!)];

    private static async Task<IReadOnlyList<JsonNode>> RoutesAsync(HttpClient client) =>
        [.. (await (await client.GetAsync("/api/ops/routes")).JsonAsync())["items"]!.AsArray().Select(route => route!)];

    /// <summary>Processes report every two seconds, and marks are written every second.</summary>
    private static async Task<T> EventuallyAsync<T>(Func<Task<T?>> read)
        where T : class
    {
        for (var attempt = 0; attempt < 150; attempt++)
        {
            if (await read() is { } found)
            {
                return found;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException("It did not happen within 15 s.");
    }

    private Task<SendcatApi> StartAsync(UpstreamEmulatorHost model, string retestMs = "0") => SendcatApi.StartAsync(postgres, new()
    {
        ["OPS_API_KEY"] = Key, ["OPENROUTER_BASE_URL"] = model.OpenRouter.ToString(), ["OPENROUTER_API_KEY"] = "test",
            ["FF_PROVIDER_FAILOVER_ENABLED"] = "true", ["CHAT_PROVIDER_RETEST_MS"] = retestMs,
    });
}
