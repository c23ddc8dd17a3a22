using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>What a turn makes of a worker, a store or a lane that fails it while a tool runs. Each test breaks servers of its own.</summary>
public sealed class ToolFaultTests(SharedStores stores)
{
    [Fact]
    public async Task A_worker_that_is_killed_in_the_middle_of_a_tool_is_replaced_by_another_and_the_turn_gets_its_result()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 1, workers: 2, ("TOOL_JOB_LEASE_MS", "5000"), ("TOOL_JOB_WAIT_MS", "60000"), ("CIRCUIT_SERPER_THRESHOLD", "100"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(Asks("search_web", "survives [[emu hang=before-headers times=1]]"));
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        var owner = await sendcat.AskDatabaseAsync<string>("select lease_owner from reliability.tool_jobs");
        var victim = sendcat.Workers.Single(worker => owner!.EndsWith($":{worker.Process.Id}", StringComparison.Ordinal));
        await victim.Process.KillAsync();
        await stream.ToEndAsync();

        Assert.Contains("tool-output-partially-available", stream.Types);
        Assert.Equal("done", stream.Types[^1]);
        Assert.Equal(2, await sendcat.AskDatabaseAsync<int>("select attempts from reliability.tool_jobs"));
    }

    [Fact]
    public async Task A_flooded_lane_refuses_the_next_turn_at_once_while_the_flood_still_waits()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 1, workers: 1, ("TOOL_JOB_RUNMAX_WEB", "1"), ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_WAIT_MS", "60000"));
        using var running = await sendcat.GuestAsync();
        using var queued = await sendcat.GuestAsync();
        await using var first = await running.ChatAsync(await running.AskingAsync(Asks("search_web", "flood 1 [[emu hang=before-headers]]")), webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);
        await using var second = await queued.ChatAsync(await queued.AskingAsync(Asks("search_web", "flood 2 [[emu hang=before-headers]]")), webSearch: true);
        await Eventually.TrueAsync(async () => await sendcat.AskDatabaseAsync<long>("select count(*) from reliability.tool_jobs where status = 'queued'") == 1);

        var refused = await sendcat.TurnAsync(Asks("search_web", "flood 3"));
        var elsewhere = await sendcat.TurnAsync(Asks("search_products", "not flooded"));

        var pressure = refused.Of("tool-backpressure").Single();
        Assert.Equal(("queue_saturated", true, 1000), (pressure.Text("reason"), pressure.GetProperty("retryable").GetBoolean(), pressure.GetProperty("retryAfterMs").GetInt32()));
        Assert.Contains("takes no more questions", refused.ToolAnswers.Single(), StringComparison.Ordinal);
        Assert.Equal("done", refused.Types[^1]);
        Assert.Single(elsewhere.Of("tool-output-partially-available"));
        Assert.Equal(2, await sendcat.AskDatabaseAsync<long>("select count(*) from reliability.tool_jobs where status in ('running', 'queued')"));
    }

    [Fact]
    public async Task A_tool_that_takes_too_long_is_given_up_and_its_late_result_answers_the_next_question()
    {
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 1, workers: 1, ("TOOL_JOB_WAIT_MS", "2000"));
        var prompt = Asks("search_web", "late [[emu headers=4s]]");

        var early = await sendcat.TurnAsync(prompt);
        await Eventually.TrueAsync(async () => await sendcat.AskDatabaseAsync<string>("select status from reliability.tool_jobs") == "completed");
        var later = await sendcat.TurnAsync(prompt);

        Assert.Equal("queue_timeout", early.Of("tool-backpressure").Single().Text("reason"));
        Assert.Contains("did not answer in time", early.ToolAnswers.Single(), StringComparison.Ordinal);
        Assert.Equal("done", early.Types[^1]);
        Assert.Single(later.Of("tool-output-partially-available"));
        Assert.Equal(1, sendcat.Model.Stats.Snapshot().Of("serper", "search").Started);
    }

    [Fact]
    public async Task Without_the_broker_a_turn_is_told_to_wait_and_its_job_runs_when_the_broker_is_back()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var broker = await RabbitMqServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(redis.CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), broker.ConnectionString, workers: 1, ("TOOL_JOB_WAIT_MS", "3000"));
        await sendcat.TurnAsync(Asks("search_web", "warm up"));

        await broker.KillAsync();
        var without = await sendcat.TurnAsync(Asks("search_web", "broker away"));
        await broker.StartAgainAsync();
        await Eventually.TrueAsync(async () => await sendcat.AskDatabaseAsync<string>("select status from reliability.tool_jobs where args like '%broker away%'") == "completed");
        var back = await sendcat.TurnAsync(Asks("search_web", "broker away"));

        Assert.Equal("queue_timeout", without.Of("tool-backpressure").Single().Text("reason"));
        Assert.Equal("done", without.Types[^1]);
        Assert.Single(back.Of("tool-output-partially-available"));
    }

    [Fact]
    public async Task Without_redis_a_turn_that_is_in_a_tool_still_gets_its_result()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            redis.CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), await (await stores.RabbitMqAsync()).CreateVirtualHostAsync(), workers: 1, ("TOOL_JOB_WAIT_MS", "60000"));
        using var guest = await sendcat.GuestAsync();
        await using var stream = await guest.ChatAsync(await guest.AskingAsync(Asks("search_web", "redis away [[emu headers=3s]]")), webSearch: true);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        await redis.KillAsync();
        await stream.ToEndAsync();

        Assert.Contains("tool-output-partially-available", stream.Types);
        Assert.DoesNotContain("tool-backpressure", stream.Types);
        Assert.Equal("done", stream.Types[^1]);
    }

    [Fact]
    public async Task Without_postgres_a_turn_that_wants_a_tool_goes_on_without_and_is_on_record_later()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true);
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(
            (await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(postgres), await (await stores.RabbitMqAsync()).CreateVirtualHostAsync(), workers: 1, ("TOOL_JOB_WAIT_MS", "3000"));
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync($$"""[[emu call=1 say="Let me look that up for you now and tell you what I could find" every=500ms tool=search_products id=call_1 args={{Arguments("postgres away")}}]] [[emu call=2 text="I could not search."]]""");
        await using var stream = await guest.ChatAsync(thread);
        await stream.UntilAsync("content");

        await postgres.KillAsync();
        await stream.UntilAsync("tool-backpressure");
        await postgres.StartAgainAsync();
        await stream.ToEndAsync();

        Assert.Equal("queue_saturated", stream.Seen.Single(happened => happened.Text("type") == "tool-backpressure").Text("reason"));
        Assert.EndsWith("I could not search.", stream.Text, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await guest.MessagesAsync(thread))[^1].Text("status") == "completed");
        Assert.Contains("tool queue cannot be reached", await guest.ToolAnswerAsync(thread), StringComparison.Ordinal);
    }
}
