using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The queue while a store is killed, a lane is full or a worker hangs.</summary>
public sealed class ToolJobFaultTests(SharedStores stores)
{
    [Fact]
    public async Task A_due_job_without_a_message_runs_in_a_free_slot()
    {
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes());
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        // As if a suspended worker held the message. The sweeper does not announce the job again either.
        await rig.ExecuteAsync(
            "DELETE FROM reliability.tool_outbox; UPDATE reliability.tool_jobs SET announced_at = now() + interval '1 hour' "
            + $"WHERE id = '{job}'");

        await Eventually.TrueAsync(async () => await rig.ReadAsync<string>("status", job) == "completed");
    }

    [Fact]
    public async Task A_broker_that_accepts_no_messages_refuses_searches_at_once_until_it_accepts_them_again()
    {
        await using var broker = await RabbitMqServer.StartAsync();
        await using var rig = await QueueRig.StartAsync(
            stores, ScriptedTool.WithEchoes(), new(RabbitMq: broker), ("TOOL_JOB_WAIT_MS", "60000"));
        Assert.IsType<ToolJobOutcome.Completed>(await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann", null)));

        await broker.ControlAsync("set_vm_memory_high_watermark", "0");

        // The broker notifies a connection only when it publishes, so the first searches may still run.
        await Eventually.TrueAsync(
            async () => await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann", null)) is ToolJobOutcome.Saturated);
        await broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await Eventually.TrueAsync(
            async () => await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann", null)) is ToolJobOutcome.Completed);
    }

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(90);

    /// <param name="young">
    /// True: the broker is killed soon after it declared its queues. Afterwards they may be missing, or exist without a leader and not
    /// respond.
    /// </param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_job_is_lost_with_a_killed_broker(bool young)
    {
        await using var rabbit = await RabbitMqServer.StartAsync();
        await using var rig = await QueueRig.StartAsync(
            stores, ScriptedTool.WithEchoes(), new(RabbitMq: rabbit), ("TOOL_JOB_RUNMAX_WEB", "1"));
        await Task.WhenAll(Run(rig, -10, 10));
        if (!young)
        {
            await rabbit.RestartAsync();
        }

        var before = Run(rig, 0, 100);
        await Task.WhenAny(before);

        await rabbit.KillAsync();
        var during = Run(rig, 100, 50);
        await rabbit.StartAgainAsync();

        Assert.All(await Task.WhenAll([.. before, .. during]), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal(160, await rig.CountAsync("tool_jobs WHERE status = 'completed'"));
    }

    [Fact]
    public async Task No_inserted_job_is_lost_with_a_killed_Postgres()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var rig = await QueueRig.StartAsync(
            stores, ScriptedTool.WithEchoes(), new(Postgres: postgres), ("TOOL_JOB_RUNMAX_WEB", "1"), ("TOOL_JOB_LEASE_MS", "5000"));
        var before = Run(rig, 0, 300);
        await Task.WhenAny(before);

        await postgres.KillAsync();
        await postgres.StartAgainAsync();
        var after = Run(rig, 300, 20);

        // A job that could not be inserted fails at once; every inserted job ends.
        var outcomes = await Task.WhenAll([.. before, .. after]);
        var completed = outcomes.Count(outcome => outcome is ToolJobOutcome.Completed);
        Assert.All(outcomes, outcome => Assert.True(
            outcome is ToolJobOutcome.Completed or ToolJobOutcome.Failed { Error: "The tool queue cannot be reached." },
            outcome.ToString()));
        Assert.True(completed >= 20);
        Assert.Equal(0, await rig.CountAsync("tool_jobs WHERE status NOT IN ('completed', 'queued', 'running')"));
        Assert.True(await rig.CountAsync("tool_jobs WHERE status = 'completed'") >= completed);
    }

    [Fact]
    public async Task A_full_lane_does_not_delay_other_lanes()
    {
        const int slots = 2;
        var (full, blocked, running) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (arguments, token) =>
        {
            if (Interlocked.Increment(ref running) == slots)
            {
                full.SetResult();
            }

            await blocked.Task.WaitAsync(token);
            return new ToolResult.Done(arguments, Cacheable: false);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        var flood = Run(rig, 0, 70);
        await full.Task.WaitAsync(MaxWait);

        foreach (var lane in new[] { QueuedTool.SearchProducts.Lane, QueuedTool.SearchGlobal.Lane })
        {
            Assert.IsType<ToolJobOutcome.Completed>(await rig.Client.RunAsync(new(lane, "{}", "user:ann"), MaxWait));
        }

        Assert.DoesNotContain(flood, turn => turn.IsCompleted);
        var reading = (await rig.Get<ToolJobStatistics>().ReadAsync(TimeSpan.FromMinutes(15), CancellationToken.None)).Lanes;
        Assert.Equal((slots, 1.0), (Of(QueuedTool.SearchWeb).Running, Of(QueuedTool.SearchWeb).RunningUtilization));
        Assert.Equal((1, 1), (Of(QueuedTool.SearchProducts).Completed, Of(QueuedTool.SearchGlobal).Completed));
        blocked.SetResult();
        await Task.WhenAll(flood);

        LaneReading Of(QueuedTool tool) => reading.Single(lane => lane.Tool == tool.Name);
    }

    [Fact]
    public async Task A_worker_that_hangs_past_its_lease_is_replaced()
    {
        var (started, hung, attempts) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            if (Interlocked.Increment(ref attempts) == 1)
            {
                // It ignores its cancellation, like a suspended process.
                started.SetResult();
                await hung.Task;
                return new ToolResult.Done("first", Cacheable: false);
            }

            return new ToolResult.Done("second", Cacheable: false);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        var outcome = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), MaxWait);
        await started.Task.WaitAsync(MaxWait);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET lease_expires_at = now() - interval '1 ms'");

        Assert.Equal(new ToolJobOutcome.Completed("second"), await outcome);
        hung.SetResult();
        await rig.StopAsync();
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE result = 'second' AND attempts = 2"));
    }

    private static Task<ToolJobOutcome>[] Run(QueueRig rig, int first, int count) =>
        [
            .. Enumerable.Range(first, count).Select(
                i => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, $"{i}", $"user:{i % 7}"), MaxWait)),
        ];
}
