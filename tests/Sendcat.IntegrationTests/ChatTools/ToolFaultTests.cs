using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>
/// Turns whose tool is affected by a killed worker, an unavailable store or a full lane. A test that kills a server has its own. The tests
/// poll for the status of jobs and messages, which is only in Postgres.
/// </summary>
public sealed class ToolFaultTests(SharedStores stores)
{
    [Fact]
    public async Task A_worker_that_is_killed_while_it_runs_a_tool_is_replaced_and_the_turn_gets_its_result()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            stores, replicas: 1, workers: 2, ("TOOL_JOB_LEASE_MS", "5000"), ("TOOL_JOB_WAIT_MS", "60000"),
            ("CIRCUIT_SERPER_THRESHOLD", "100"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(CallTool("search_web", "survives [[emu hang=before-headers times=1]]"));
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        var owner = await sendcat.QueryScalarAsync<string>("select lease_owner from reliability.tool_jobs");
        var owningWorker = sendcat.Workers.Single(worker => owner!.Contains($":{worker.Process.Id}:", StringComparison.Ordinal));
        await owningWorker.Process.KillAsync();
        await stream.ReadToEndAsync();

        Assert.Contains("tool-output-partially-available", stream.Types);
        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal(2, await sendcat.QueryScalarAsync<int>("select attempts from reliability.tool_jobs"));
    }

    [Fact]
    public async Task A_full_lane_refuses_the_next_job_at_once_and_other_lanes_still_run()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            stores, replicas: 1, workers: 1, ("TOOL_JOB_RUNMAX_WEB", "1"), ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_WAIT_MS", "60000"));
        using var running = await sendcat.GuestAsync();
        using var queued = await sendcat.GuestAsync();
        await using var first = await running.ChatAsync(
            await running.NewThreadAsync(CallTool("search_web", "flood 1 [[emu hang=before-headers]]")), webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);
        await using var second = await queued.ChatAsync(
            await queued.NewThreadAsync(CallTool("search_web", "flood 2 [[emu hang=before-headers]]")), webSearch: true);
        await Eventually.TrueAsync(
            async () => await sendcat.QueryScalarAsync<long>("select count(*) from reliability.tool_jobs where status = 'queued'") == 1);

        var refused = await sendcat.TurnAsync(CallTool("search_web", "flood 3"));
        var elsewhere = await sendcat.TurnAsync(CallTool("search_products", "not flooded"));

        var backpressure = refused.Of("tool-backpressure").Single();
        Assert.Equal(
            ("queue_saturated", true, 1000),
            (backpressure.Text("reason"), backpressure.GetProperty("retryable").GetBoolean(),
                backpressure.GetProperty("retryAfterMs").GetInt32()));
        Assert.Contains("takes no more questions", refused.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.Equal("done", refused.Types[^1]);
        Assert.Single(elsewhere.Of("tool-output-partially-available"));
        Assert.Equal(
            2, await sendcat.QueryScalarAsync<long>("select count(*) from reliability.tool_jobs where status in ('running', 'queued')"));
    }

    [Fact]
    public async Task A_broker_that_accepts_no_messages_degrades_the_health_and_searches_of_turns_are_refused_before_they_are_queued()
    {
        await using var broker = await RabbitMqServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            (await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()),
            broker.ConnectionString, workers: 1);
        using var guest = await sendcat.GuestAsync();
        Assert.Equal("Healthy", await HealthAsync());
        await broker.ControlAsync("set_vm_memory_high_watermark", "0");

        // The broker notifies a connection only when it publishes, so the first searches may still be queued.
        var searches = 0;
        ToolTurn turn;
        do
        {
            turn = await sendcat.TurnAsync(CallTool("search_web", $"blocked {++searches}."));
        }
        while (turn.Of("tool-backpressure").All(pressure => pressure.Text("reason") != "queue_saturated") && searches < 10);

        Assert.Contains("takes no more questions", turn.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.Equal("done", turn.Types[^1]);
        var queued = $"select count(*) from reliability.tool_jobs where args::text like '%blocked {searches}.%'";
        Assert.Equal(0, await sendcat.QueryScalarAsync<long>(queued));
        Assert.Equal("Degraded", await HealthAsync());

        await broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await Eventually.TrueAsync(async () => await HealthAsync() == "Healthy");
        Assert.Single((await sendcat.TurnAsync(CallTool("search_web", "accepted again"))).Of("tool-output-partially-available"));

        async Task<string?> HealthAsync() => (await guest.Http.GetFromJsonAsync<JsonElement>("/health")).Text("status");
    }

    [Fact]
    public async Task A_turn_stops_waiting_for_a_slow_tool_and_the_late_result_is_cached_for_the_next_turn()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 1, workers: 1, ("TOOL_JOB_WAIT_MS", "2000"));
        var prompt = CallTool("search_web", "late [[emu headers=4s]]");

        var early = await sendcat.TurnAsync(prompt);
        await Eventually.TrueAsync(
            async () => await sendcat.QueryScalarAsync<string>("select status from reliability.tool_jobs") == "completed");
        var later = await sendcat.TurnAsync(prompt);

        Assert.Equal("queue_timeout", early.Of("tool-backpressure").Single().Text("reason"));
        Assert.Contains("did not answer in time", early.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.Equal("done", early.Types[^1]);
        Assert.Single(later.Of("tool-output-partially-available"));
        Assert.Equal(1, sendcat.Model.Stats.Snapshot().Of("serper", "search").Started);
    }

    [Fact]
    public async Task Without_the_broker_a_turn_still_gets_its_result_from_a_worker_with_a_free_slot()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var broker = await RabbitMqServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), broker.ConnectionString, workers: 1,
            ("TOOL_JOB_WAIT_MS", "60000"));
        await sendcat.TurnAsync(CallTool("search_web", "warm up"));

        await broker.KillAsync();
        var turn = await sendcat.TurnAsync(CallTool("search_web", "broker away"));

        Assert.Single(turn.Of("tool-output-partially-available"));
        Assert.Empty(turn.Of("tool-backpressure"));
        Assert.Equal("done", turn.Types[^1]);
    }

    [Fact]
    public async Task Without_Redis_a_turn_that_waits_for_a_tool_still_gets_its_result()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()),
            await (await stores.RabbitMqAsync()).CreateVirtualHostAsync(), workers: 1, ("TOOL_JOB_WAIT_MS", "60000"));
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(
            await guest.NewThreadAsync(CallTool("search_web", "redis away [[emu headers=3s]]")), webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        await redis.KillAsync();
        await stream.ReadToEndAsync();

        Assert.Contains("tool-output-partially-available", stream.Types);
        Assert.DoesNotContain("tool-backpressure", stream.Types);
        Assert.Equal("done", stream.Types[^1]);
    }

    [Fact]
    public async Task Without_Postgres_a_turn_continues_without_its_tool_and_is_persisted_later()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            (await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(postgres),
            await (await stores.RabbitMqAsync()).CreateVirtualHostAsync(), workers: 1, ("TOOL_JOB_WAIT_MS", "3000"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync($$"""[[emu call=1 say="Let me look that up for you now and tell you what I could find" every=500ms tool=search_products id=call_1 args={{Arguments("postgres away")}}]] [[emu call=2 text="I could not search."]]""");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("content");

        await postgres.KillAsync();
        await stream.ReadUntilAsync("tool-backpressure");
        await postgres.StartAgainAsync();
        await stream.ReadToEndAsync();

        Assert.Equal("queue_saturated", stream.Events.Single(chatEvent => chatEvent.Text("type") == "tool-backpressure").Text("reason"));
        Assert.EndsWith("I could not search.", stream.Text, StringComparison.Ordinal);
        // The user's message is completed too, and until the turn is persisted it is the last one.
        await Eventually.TrueAsync(
            async () => (await guest.MessagesAsync(thread))[^1] is var last
                && (last.Text("role"), last.Text("status")) == ("assistant", "completed"));
        Assert.Contains("tool queue cannot be reached", await guest.LastToolMessageAsync(thread), StringComparison.Ordinal);
    }
}
