using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Turns as operators see them, requested from the replica that does not run them.</summary>
[Collection(nameof(ToolCollection))]
public sealed class TurnHistoryTests(ToolSystemFixture fixture)
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    private readonly SendcatSystem _sendcat = fixture.System;

    [Fact]
    public async Task A_turn_with_a_failover_and_a_retried_job_is_found_by_each_of_its_ids()
    {
        using var guest = await _sendcat.GuestAsync();
        guest.Http.DefaultRequestHeaders.Add("traceparent", $"00-{Trace}-00f067aa0ba902b7-01");
        var thread = await guest.NewThreadAsync(
            $"[[emu model=openai/gpt-5 status=503]] {CallTool("search_web", "history of kettles [[emu at=serper status=503 times=3]]")}");
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        var events = await stream.ReadToEndAsync();
        Assert.Equal("done", events[^1].Text("type"));
        var started = events.First(chatEvent => chatEvent.Text("type") == "start");

        using var viewer = Viewer(_sendcat.Replicas[1]);
        var ids = new[] { thread, started.Text("streamId")!, started.Text("messageId")!, Trace };
        var found = await Task.WhenAll(ids.Select(id => viewer.GetFromJsonAsync<JsonElement>($"/api/ops/turns?id={id}")));
        var row = found[0].GetProperty("items")[0];
        Assert.All(found, page => Assert.Equal(row.Text("id"), Assert.Single(page.GetProperty("items").EnumerateArray()).Text("id")));
        var turn = await viewer.GetFromJsonAsync<JsonElement>($"/api/ops/turns/{row.Text("id")}");

        Assert.Equal(("completed", "completed", thread), (turn.Text("status"), turn.Text("endReason"), turn.Text("threadId")));
        Assert.StartsWith("session:#", turn.Text("principal"), StringComparison.Ordinal);
        Assert.Contains(turn.GetProperty("gate").GetProperty("dimensions").EnumerateArray(), limit =>
            limit.Text("name") == "user_inflight" && limit.Text("verdict") == "passed");
        var attempts = turn.GetProperty("calls")[0].GetProperty("attempts").EnumerateArray().ToList();
        Assert.Equal([("primary", "failed"), ("secondary", "chosen")],
            attempts.Select(attempt => (attempt.Text("route"), attempt.Text("outcome"))));
        var tool = Assert.Single(turn.GetProperty("tools").EnumerateArray());
        Assert.Equal(("search_web", "job", "completed"), (tool.Text("name"), tool.Text("source"), tool.GetProperty("job").Text("status")));
        Assert.InRange(tool.GetProperty("job").GetProperty("attempts").GetInt32(), 2, 3);
        var kinds = turn.GetProperty("events").EnumerateArray().Select(step => step.Text("kind")).ToList();
        Assert.Equal(("gate", "end"), (kinds[0], kinds[^1]));
        Assert.Equal(["call_end", "end", "failover", "first_token", "gate", "job", "route", "start", "tool", "tool_end"],
            kinds.Distinct().Order());
        Assert.True(turn.GetProperty("tokens").GetInt64() > 0);
        Assert.False(turn.TryGetProperty("waitsFor", out _));
    }

    [Fact]
    public async Task A_running_turn_says_what_it_waits_for()
    {
        using var guest = await _sendcat.GuestAsync();
        using var viewer = Viewer(_sendcat.Replicas[1]);
        await using var silent = await guest.ChatAsync(await guest.NewThreadAsync("[[emu hang=before-first]]"));
        var streamId = (await silent.ReadUntilAsync("start")).Text("streamId");
        await Eventually.TrueAsync(async () => await WaitAsync(viewer, streamId!) is "first_token" or "provider");

        using var other = await _sendcat.GuestAsync();
        await using var searching = await other.ChatAsync(
            await other.NewThreadAsync(CallTool("search_web", "waiting for kettles [[emu at=serper hang=before-headers]]")),
                webSearch: true);
        streamId = (await searching.ReadUntilAsync("start")).Text("streamId");
        await Eventually.TrueAsync(async () => await WaitAsync(viewer, streamId!) == "tool_job");
    }

    [Fact]
    public async Task A_drained_worker_leaves_new_jobs_to_the_other_one()
    {
        using var client = Viewer(_sendcat.Api);
        client.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        string? worker = null;
        await Eventually.TrueAsync(async () =>
        {
            worker = (await ReplicasAsync(client)).Where(replica => replica.Text("kind") == "worker").Select(replica => replica.Text("id"))
                .FirstOrDefault();
            return worker is not null;
        });
        using var drained = await client.PostAsync($"/api/ops/replicas/{worker}/drain", null);
        drained.EnsureSuccessStatusCode();
        await Eventually.TrueAsync(async () => (await ReplicasAsync(client)).Any(
            replica =>
                replica.Text("id") == worker && replica.TryGetProperty("drained", out var order)
                && order.GetProperty("effective").GetBoolean()));

        for (var search = 0; search < 4; search++)
        {
            Assert.Equal("done", (await _sendcat.TurnAsync(CallTool("search_web", $"drained kettles {search}"))).Types[^1]);
        }

        using var resumed = await client.PostAsync($"/api/ops/replicas/{worker}/resume", null);
        resumed.EnsureSuccessStatusCode();
        Assert.Equal(4, await _sendcat.QueryScalarAsync<long>(
            "select count(*) from reliability.tool_jobs where args like '%drained kettles%' and status = 'completed' "
            + $"and lease_owner not like '%{worker}%'"));
        await Eventually.TrueAsync(async () => (await ReplicasAsync(client)).Any(
            replica => replica.Text("id") == worker && !replica.GetProperty("draining").GetBoolean()));
    }

    [Fact]
    public async Task Only_keys_open_it_and_unknown_turns_are_404()
    {
        using var viewer = Viewer(_sendcat.Replicas[0]);
        using var unknown = await viewer.GetAsync($"/api/ops/turns/{Guid.NewGuid()}");
        using var anyone = new HttpClient { BaseAddress = _sendcat.Api.Address };
        using var refused = await anyone.GetAsync("/api/ops/turns");

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Unauthorized), (unknown.StatusCode, refused.StatusCode));
        Assert.Empty((await viewer.GetFromJsonAsync<JsonElement>("/api/ops/turns?id=nobody-knows-this")).GetProperty("items")
            .EnumerateArray());
    }

    private static async Task<IReadOnlyList<JsonElement>> ReplicasAsync(HttpClient client) =>
        [.. (await client.GetFromJsonAsync<JsonElement>("/api/ops/replicas")).GetProperty("items").EnumerateArray()];

    private static async Task<string?> WaitAsync(HttpClient viewer, string streamId)
    {
        using var response = await viewer.GetAsync($"/api/ops/turns/{streamId}");
        return response.IsSuccessStatusCode
            && (await response.Content.ReadFromJsonAsync<JsonElement>()).TryGetProperty("waitsFor", out var wait)
            ? wait.Text("kind")
            : null;
    }

    private static HttpClient Viewer(Replica replica) => new()
    {
        BaseAddress = replica.Address,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey) },
    };
}
