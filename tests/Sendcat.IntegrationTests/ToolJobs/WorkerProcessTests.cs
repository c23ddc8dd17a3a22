using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The queue with workers as separate processes. The turns that wait for jobs are in the test process.</summary>
public sealed class WorkerProcessTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Running_caps_over_worker_processes_are_used_and_never_exceeded()
    {
        await using var upstream = await GatedUpstream.StartAsync();

        // Three running jobs need both workers, because each has two slots.
        await using var rig = await QueueRig.StartAsync(
            stores, [], knobs: [("TOOL_JOB_RUNMAX_WEB", "5"), ("TOOL_JOB_RUNMAX_QOS_REALTIME", "3"), ("BULKHEAD_TOOL_JOB_MAX", "2")]);
        await using var one = await rig.StartWorkerAsync(upstream.Address);
        await using var other = await rig.StartWorkerAsync(upstream.Address);

        upstream.ReleaseOneWhenFull(concurrent: 3, total: 30);

        var turns = Submit(rig, QueuedTool.SearchWeb.Lane, 30);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal((3, 30), (upstream.MaxConcurrent, upstream.Received));
        await using var owners = rig.Database.CreateCommand("SELECT count(DISTINCT lease_owner) FROM reliability.tool_jobs");
        Assert.Equal(2L, await owners.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_job_runs_after_its_backoff_without_another_job_being_inserted()
    {
        // One attempt sends up to three requests.
        await using var upstream = await GatedUpstream.StartAsync(open: true, failures: 3);
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);

        var outcome = await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:ann"), MaxWait);

        Assert.IsType<ToolJobOutcome.Completed>(outcome);
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE attempts = 2 AND status = 'completed'"));
    }

    [Fact]
    public async Task A_requeued_dead_letter_runs_without_another_job_being_inserted()
    {
        await using var upstream = await GatedUpstream.StartAsync(open: true, failures: 3);
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var failed = await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":5}""", "user:ann"), MaxWait);

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);

        Assert.Equal(ToolBackpressure.DeadLetter, Assert.IsType<ToolJobOutcome.Failed>(failed).Backpressure);

        // No turn waits for the replay, so its end is only in Postgres.
        await Eventually.TrueAsync(async () => await rig.CountAsync("tool_jobs WHERE status = 'completed' AND replay_count = 1") == 1);
    }

    [Fact]
    public async Task A_job_that_waits_for_a_slot_runs_when_one_is_released()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("BULKHEAD_TOOL_JOB_MAX", "1"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var first = Submit(rig, QueuedTool.SearchWeb.Lane, 2);
        await upstream.WaitForAsync(it => it.Concurrent == 1);
        var second = rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":5}""", "user:ann"), MaxWait);

        upstream.Release(3);

        Assert.All(await Task.WhenAll([.. first, second]), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal(1, upstream.MaxConcurrent);
    }

    [Fact]
    public async Task The_jobs_of_a_killed_worker_go_to_another_and_are_committed_once()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: [("TOOL_JOB_LEASE_MS", "5000"), ("TOOL_JOB_RUNMAX_WEB", "2")]);
        await using var killed = await rig.StartWorkerAsync(upstream.Address);
        var turns = Submit(rig, QueuedTool.SearchWeb.Lane, 6);
        await upstream.WaitForAsync(it => it.Concurrent == 2);
        await using var survivor = await rig.StartWorkerAsync(upstream.Address);

        await killed.KillAsync();
        await upstream.WaitForAsync(it => it.Concurrent == 0);
        upstream.Release(turns.Length);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal(2, await rig.CountAsync("tool_jobs WHERE status = 'completed' AND attempts = 2 AND token = 2"));
        Assert.Equal(
            6, await rig.CountAsync($"tool_jobs WHERE status = 'completed' AND split_part(lease_owner, ':', 2) = '{survivor.Id}'"));
    }

    [Fact]
    public async Task The_slots_of_a_killed_worker_are_free_for_its_jobs_when_they_run_again()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(
            stores,
            [],
            knobs:
            [
                ("TOOL_JOB_LEASE_MS", "5000"), ("TOOL_JOB_RUNMAX_WEB", "2"), ("BULKHEAD_SERPER_MAX_CONCURRENT", "2"),
                ("REDIS_REPLICA_DEAD_AFTER_MS", "60000"), ("REDIS_DECISION_TIMEOUT_MS", "1000"),
            ]);
        await using var killed = await rig.StartWorkerAsync(upstream.Address);
        var turns = Submit(rig, QueuedTool.SearchWeb.Lane, 2);
        await upstream.WaitForAsync(it => it.Concurrent == 2);
        await using var survivor = await rig.StartWorkerAsync(upstream.Address);

        await killed.KillAsync();
        await upstream.WaitForAsync(it => it.Concurrent == 0);
        upstream.Release(turns.Length);

        // A job that finds the bulkhead full fails after 3 s.
        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
    }

    [Fact]
    public async Task Waiting_turns_are_signalled_and_poll_Postgres_together_and_rarely()
    {
        const int Many = 40;
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, []);
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var (reads, twoReads) = (new ConcurrentQueue<string>(), new TaskCompletionSource());
        using var listener = ListenToReads(new NpgsqlConnectionStringBuilder(rig.Database.ConnectionString).Database!, read =>
        {
            reads.Enqueue(read);
            if (reads.Count == 2)
            {
                twoReads.TrySetResult();
            }
        });

        var turns = Submit(rig, QueuedTool.SearchWeb.Lane, Many);
        await twoReads.Task.WaitAsync(MaxWait);
        upstream.Release(Many);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));

        // If every turn polled separately, four times a second, there would be hundreds of reads.
        Assert.InRange(reads.Count, 3, (2 * Many) + 10);
    }

    /// <summary>Submits jobs, each of another principal and with another query.</summary>
    private static Task<ToolJobOutcome>[] Submit(QueueRig rig, ToolLane lane, int count) =>
        [
            .. Enumerable.Range(0, count).Select(
                i => rig.Client.RunAsync(new(lane, $$"""{"query":"question {{i}}"}""", $"user:{i}"), MaxWait)),
        ];

    /// <summary>Reports every statement with which waiting turns read their jobs.</summary>
    private static ActivityListener ListenToReads(string database, Action<string> onRead)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                var tags = activity.TagObjects.Select(tag => $"{tag.Value}").ToArray();
                if (tags.Contains(database)
                    && Array.Find(
                        tags, tag => tag.Contains("SELECT id, status, result, last_error", StringComparison.Ordinal)) is { } statement)
                {
                    onRead(statement);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
