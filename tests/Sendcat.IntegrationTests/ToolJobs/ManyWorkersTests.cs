using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Sendcat.IntegrationTests.Reliability;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Turns in this process, workers in processes of their own.</summary>
public sealed class ManyWorkersTests(SharedStores stores)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Running_caps_are_reached_and_never_exceeded_over_worker_processes()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: [("TOOL_JOB_RUNMAX_WEB", "5"), ("TOOL_JOB_RUNMAX_QOS_REALTIME", "3")]);
        await using var one = await rig.StartWorkerAsync(upstream.Address);
        await using var other = await rig.StartWorkerAsync(upstream.Address);

        upstream.ReleaseOneWhenFull(3, inAll: 30);

        var turns = Ask(rig, QueuedTool.SearchWeb.Lane, 30);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal((3, 30), (upstream.MostAtOnce, upstream.Asked));
        await using var owners = rig.Database.CreateCommand("SELECT count(DISTINCT lease_owner) FROM reliability.tool_jobs");
        Assert.Equal(2L, await owners.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_job_in_its_back_off_runs_though_nobody_enters_another()
    {
        // One attempt asks three times.
        await using var upstream = await GatedUpstream.StartAsync(open: true, failures: 3);
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);

        var outcome = await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:ann"), Patience);

        Assert.IsType<ToolJobOutcome.Completed>(outcome);
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE attempts = 2 AND status = 'completed'"));
    }

    [Fact]
    public async Task A_requeued_dead_letter_runs_though_nobody_enters_another()
    {
        await using var upstream = await GatedUpstream.StartAsync(open: true, failures: 3);
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var dead = await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":5}""", "user:ann"), Patience);

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);

        Assert.Equal(ToolBackpressure.DeadLetter, Assert.IsType<ToolJobOutcome.Failed>(dead).Backpressure);
        await Until.TrueAsync(async () => await rig.CountAsync("tool_jobs WHERE status = 'completed' AND replay_count = 1") == 1);
    }

    [Fact]
    public async Task A_job_that_found_no_place_runs_when_one_is_free_though_nobody_enters_another()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: ("BULKHEAD_TOOL_JOB_MAX", "1"));
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var first = Ask(rig, QueuedTool.SearchWeb.Lane, 2);
        await Until.TrueAsync(() => upstream.AtOnce == 1);
        var second = rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":5}""", "user:ann"), Patience);

        upstream.Release(3);

        Assert.All(await Task.WhenAll([.. first, second]), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal(1, upstream.MostAtOnce);
    }

    [Fact]
    public async Task What_a_killed_worker_held_goes_to_another_and_is_committed_once()
    {
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, [], knobs: [("TOOL_JOB_LEASE_MS", "5000"), ("TOOL_JOB_RUNMAX_WEB", "2")]);
        await using var doomed = await rig.StartWorkerAsync(upstream.Address);
        var turns = Ask(rig, QueuedTool.SearchWeb.Lane, 6);
        await Until.TrueAsync(() => upstream.AtOnce == 2);
        await using var heir = await rig.StartWorkerAsync(upstream.Address);

        await doomed.KillAsync();
        await Until.TrueAsync(() => upstream.AtOnce == 0);
        upstream.Release(turns.Length);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.Equal(2, await rig.CountAsync("tool_jobs WHERE status = 'completed' AND attempts = 2 AND token = 2"));
        Assert.Equal(6, await rig.CountAsync($"tool_jobs WHERE status = 'completed' AND lease_owner LIKE '%:{heir.Id}'"));
    }

    [Fact]
    public async Task Turns_wait_to_be_told_and_ask_the_record_together_now_and_then()
    {
        const int Many = 40;
        await using var upstream = await GatedUpstream.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, []);
        await using var worker = await rig.StartWorkerAsync(upstream.Address);
        var (looks, twice) = (new ConcurrentQueue<string>(), new TaskCompletionSource());
        using var listener = ListenToLooks(new NpgsqlConnectionStringBuilder(rig.Database.ConnectionString).Database!, look =>
        {
            looks.Enqueue(look);
            if (looks.Count == 2)
            {
                twice.TrySetResult();
            }
        });

        var turns = Ask(rig, QueuedTool.SearchWeb.Lane, Many);
        await twice.Task.WaitAsync(Patience);
        upstream.Release(Many);

        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));

        // Four times a second and turn, as it once was, would be hundreds.
        Assert.InRange(looks.Count, 3, (2 * Many) + 10);
    }

    private static Task<ToolJobOutcome>[] Ask(QueueRig rig, ToolLane lane, int count) =>
        [.. Enumerable.Range(0, count).Select(i => rig.Client.RunAsync(new(lane, $$"""{"query":"question {{i}}"}""", $"user:{i}"), Patience))];

    private static ActivityListener ListenToLooks(string database, Action<string> look)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                var tags = activity.TagObjects.Select(tag => $"{tag.Value}").ToArray();
                if (tags.Contains(database) && Array.Find(tags, tag => tag.Contains("SELECT id, status, result, last_error", StringComparison.Ordinal)) is { } statement)
                {
                    look(statement);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
