using System.Diagnostics;
using Npgsql;
using RabbitMQ.Client;
using Sendcat.IntegrationTests.Reliability;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>From the turn through record, outbox, broker and worker back to the turn.</summary>
public sealed class ToolJobJourneyTests(SharedStores stores)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_turn_gets_its_result()
    {
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes());

        var outcomes = await Task.WhenAll(QueuedTool.All.Select(tool => tool.Lane).Select(lane => rig.Client.RunAsync(new(lane, $$"""{"query":"{{lane}}"}""", "user:ann"), Patience)));

        Assert.Equal(QueuedTool.All.Select(tool => tool.Lane).Select(lane => new ToolJobOutcome.Completed($$"""{"query":"{{lane}}"}""")), outcomes);
    }

    [Fact]
    public async Task A_lane_outlives_what_nobody_expected()
    {
        var surprises = 2 * QueuedTool.All.Count; // one for each that consumes, and one for each that publishes
        var own = new OwnStores(Connecting: () =>
        {
            if (Interlocked.Decrement(ref surprises) >= 0)
            {
                throw new NotSupportedException("Nobody expected this.");
            }
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(), own);

        var outcomes = await Task.WhenAll(QueuedTool.All.Select(tool => tool.Lane).Select(lane => rig.Client.RunAsync(new(lane, "{}", "user:ann"), Patience)));

        Assert.Equal(QueuedTool.All.Select(tool => tool.Lane).Select(_ => new ToolJobOutcome.Completed("{}")), outcomes);
    }

    [Fact]
    public async Task Turns_with_one_question_share_one_attempt()
    {
        var web = ScriptedTool.Echo(QueuedTool.SearchWeb.Lane);
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_RUNMAX_WEB", "1"));
        var blocker = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "blocker", "user:eve"), Patience);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "kettle", $"user:{i}", new("search_web_v1", "kettle")), Patience)));

        Assert.All(outcomes, outcome => Assert.Equal(new ToolJobOutcome.Completed("kettle"), outcome));
        await blocker;
        Assert.Single(web.Runs, "kettle");
    }

    [Fact]
    public async Task A_full_lane_is_told_at_once()
    {
        using var never = new CancellationTokenSource();
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(token);
            return null!;
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: [("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_RUNMAX_WEB", "1"), ("TOOL_WORKER_DRAIN_MS", "0")]);
        var flood = Enumerable.Range(0, 10).Select(_ => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:flood"), Patience, never.Token)).ToArray();

        var saturated = Assert.IsType<ToolJobOutcome.Saturated>(await await Task.WhenAny(flood));
        var elsewhere = await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), Patience, CancellationToken.None);

        Assert.StartsWith("[queue_saturated:search_web]", saturated.Error, StringComparison.Ordinal);
        Assert.Equal(new ToolBackpressure("queue_saturated", TimeSpan.FromSeconds(1)), saturated.Backpressure);
        Assert.IsType<ToolJobOutcome.Completed>(elsewhere);
        await never.CancelAsync();
        await Task.WhenAll(flood);
    }

    [Fact]
    public async Task A_dead_letter_is_told_as_backpressure_and_a_refusal_is_not()
    {
        await using var rig = await QueueRig.StartAsync(
            stores,
            ScriptedTool.WithEchoes(ScriptedTool.Refusing(QueuedTool.SearchWeb.Lane, "serper_search: HTTP 503"), ScriptedTool.Refusing(QueuedTool.SearchGlobal.Lane, "No key.", retryable: false)),
            knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));

        Assert.Equal(new ToolJobOutcome.Failed("serper_search: HTTP 503", ToolBackpressure.DeadLetter), await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), Patience));
        Assert.Equal(new ToolJobOutcome.Failed("No key.", null), await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), Patience));
        Assert.Equal(1, Assert.Single(await rig.Get<DeadLetters>().GroupsAsync(CancellationToken.None)).Count);
    }

    [Fact]
    public async Task A_late_result_still_warms_the_cache()
    {
        var release = new TaskCompletionSource();
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (arguments, token) =>
        {
            await release.Task.WaitAsync(token);
            return new ToolResult.Done(arguments, Cacheable: true);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        var (space, key) = (rig.Get<ToolCacheNamespaces>().Of(QueuedTool.SearchWeb.Cache), new SearchWebArguments(" Kettle ").CacheKey);

        var outcome = await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:ann", new(space.Name, key)), TimeSpan.FromSeconds(1));
        var again = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:bob", new(space.Name, key)), Patience);
        while (await rig.CountAsync("tool_jobs WHERE waiters = 1") == 0)
        {
            // Until the second turn has joined.
        }

        release.SetResult();
        await again;

        Assert.Equal(new ToolJobOutcome.TimedOut(new("queue_timeout", TimeSpan.FromSeconds(1))), outcome);
        Assert.Equal("""{"query":"kettle"}""", await rig.Get<ToolCache>().GetAsync(space, key, CancellationToken.None));
        Assert.Single(web.Runs);
    }

    [Fact]
    public async Task An_aborted_turn_stops_the_work_that_nobody_else_waits_for()
    {
        var (started, stopped) = (new TaskCompletionSource(), new TaskCompletionSource());
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            started.SetResult();
            await using var word = token.Register(stopped.SetResult);
            await stopped.Task;
            token.ThrowIfCancellationRequested();
            return null!;
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        using var turn = new CancellationTokenSource();
        var outcome = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), Patience, turn.Token);
        await started.Task.WaitAsync(Patience);

        await turn.CancelAsync();

        Assert.Equal(new ToolJobOutcome.Cancelled(), await outcome);
        await stopped.Task.WaitAsync(Patience);
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE status = 'cancelled'"));
    }

    [Fact]
    public async Task Jobs_outlive_the_deletion_of_all_queues()
    {
        var gate = new SemaphoreSlim(0);
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (arguments, token) =>
        {
            await gate.WaitAsync(token);
            return new ToolResult.Done(arguments, Cacheable: false);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_WAIT_MS", "60000"));
        var turns = Enumerable.Range(0, 20).Select(i => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, $"{i}", $"user:{i}"), Patience)).ToArray();
        while (web.Runs.Count < 2)
        {
            await rig.Claims.RenewAsync([], CancellationToken.None);
        }

        await using (var channel = await (await rig.ConnectAsync(CancellationToken.None)).CreateChannelAsync())
        {
            foreach (var lane in QueuedTool.All.Select(tool => tool.Lane))
            {
                await channel.QueueDeleteAsync(ToolJobTopology.QueueOf(lane.Tool));
            }
        }

        gate.Release(turns.Length);
        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.IsType<ToolJobOutcome.Completed>(await rig.Client.RunAsync(new(QueuedTool.SearchProducts.Lane, "{}", "user:ann"), Patience));
    }

    [Fact]
    public async Task A_job_that_kills_its_workers_ends_as_a_dead_letter()
    {
        await using var rig = await QueueRig.StartAsync(stores, []);
        var outcome = rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), Patience);

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            LeasedJobs claimed;
            while ((claimed = await rig.Claims.ClaimAsync(QueuedTool.SearchGlobal.Lane, 1, "doomed", CancellationToken.None)).Jobs.Count == 0)
            {
            }

            await rig.ExpireLeaseAsync(claimed.Jobs[0].Lease.Id);
        }

        Assert.Equal(new ToolJobOutcome.Failed("The worker fell silent.", ToolBackpressure.DeadLetter), await outcome);
        Assert.Equal("lease_expired", Assert.Single(await rig.Get<DeadLetters>().ListAsync(new(), after: null, CancellationToken.None)).Reason);
    }

    [Fact]
    public async Task Turns_are_answered_while_Redis_is_away()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(), new(Redis: redis));
        await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "before", "user:ann"), Patience);

        await redis.KillAsync();

        Assert.Equal(new ToolJobOutcome.Completed("without"), await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "without", "user:ann"), Patience));
    }

    [Fact]
    public async Task A_stopping_worker_hands_its_jobs_back()
    {
        var started = new TaskCompletionSource();
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            started.SetResult();
            await new TaskCompletionSource().Task.WaitAsync(token);
            return null!;
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_WORKER_DRAIN_MS", "0"));
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await started.Task.WaitAsync(Patience);

        await rig.StopAsync();

        Assert.Equal("queued", await rig.ReadAsync<string>("status", job));
        Assert.Equal(0, await rig.ReadAsync<int>("attempts", job));
        Assert.Equal(1, await rig.CountAsync($"tool_outbox WHERE job_id = '{job}'"));
    }

    [Fact]
    public async Task A_claim_that_is_under_way_when_the_worker_stops_is_carried_out()
    {
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes());
        await using var locked = await rig.Database.OpenConnectionAsync();
        await using var transaction = await locked.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({Locks.Claiming}, {QosClass.Realtime.Number})", locked);
        await locking.ExecuteNonQueryAsync();
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await Until.TrueAsync(async () => await rig.CountWaitingAsync() == 1);

        var stopped = rig.StopAsync();
        await transaction.CommitAsync();
        await stopped;

        Assert.Equal("completed", await rig.ReadAsync<string>("status", job));
    }

    [Fact]
    public async Task One_trace_goes_from_the_turn_through_every_attempt()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Sendcat.ToolJobs",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var web = ScriptedTool.Refusing(QueuedTool.SearchWeb.Lane, "HTTP 503");
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));

        using var turn = new Activity("turn").Start();
        await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), Patience);
        turn.Stop();
        await rig.StopAsync();

        var mine = spans.Where(span => span.TraceId == turn.TraceId).CountBy(span => span.OperationName).ToDictionary();
        Assert.Equal((1, 2), (mine["enqueue search_web"], mine["run search_web"]));
        Assert.InRange(mine["publish search_web"], 2, 5); // a message that the sweeper misses is sent once more
    }
}
