using System.Diagnostics;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Jobs from the turn through Postgres, outbox, broker and worker back to the turn, all in the test process.</summary>
public sealed class ToolJobJourneyTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_turn_gets_the_result_of_its_job()
    {
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes());

        var outcomes = await Task.WhenAll(
            QueuedTool.All.Select(tool => tool.Lane)
                .Select(lane => rig.Client.RunAsync(new(lane, $$"""{"query":"{{lane}}"}""", "user:ann"), MaxWait)));

        Assert.Equal(
            QueuedTool.All.Select(tool => tool.Lane).Select(lane => new ToolJobOutcome.Completed($$"""{"query":"{{lane}}"}""")), outcomes);
    }

    [Fact]
    public async Task A_lane_restarts_after_an_unexpected_exception()
    {
        var exceptions = 2 * QueuedTool.All.Count; // one for each consumer and one for each publisher
        var own = new OwnStores(Connecting: () =>
        {
            if (Interlocked.Decrement(ref exceptions) >= 0)
            {
                throw new NotSupportedException("An unexpected exception.");
            }
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(), own);

        var outcomes = await Task.WhenAll(
            QueuedTool.All.Select(tool => tool.Lane).Select(lane => rig.Client.RunAsync(new(lane, "{}", "user:ann"), MaxWait)));

        Assert.Equal(QueuedTool.All.Select(tool => tool.Lane).Select(_ => new ToolJobOutcome.Completed("{}")), outcomes);
    }

    [Fact]
    public async Task Turns_with_the_same_cache_key_share_one_attempt()
    {
        var web = ScriptedTool.Echo(QueuedTool.SearchWeb.Lane);
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_RUNMAX_WEB", "1"));
        var blocker = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "blocker", "user:eve"), MaxWait);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(
            i => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "kettle", $"user:{i}", new("search_web_v1", "kettle")), MaxWait)));

        Assert.All(outcomes, outcome => Assert.Equal(new ToolJobOutcome.Completed("kettle"), outcome));
        await blocker;
        Assert.Single(web.Runs, "kettle");
    }

    [Fact]
    public async Task A_full_lane_is_reported_at_once()
    {
        using var abort = new CancellationTokenSource();
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(token);
            return null!;
        });
        await using var rig = await QueueRig.StartAsync(
            stores, ScriptedTool.WithEchoes(web),
            knobs: [
                ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_RUNMAX_WEB", "1"),
                ("TOOL_WORKER_DRAIN_MS", "0")]);
        var flood = Enumerable.Range(0, 10)
            .Select(_ => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:flood"), MaxWait, abort.Token))
            .ToArray();

        var saturated = Assert.IsType<ToolJobOutcome.Saturated>(await await Task.WhenAny(flood));
        var elsewhere = await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), MaxWait, CancellationToken.None);

        Assert.StartsWith("[queue_saturated:search_web]", saturated.Error, StringComparison.Ordinal);
        Assert.Equal(new ToolBackpressure("queue_saturated", TimeSpan.FromSeconds(1)), saturated.Backpressure);
        Assert.IsType<ToolJobOutcome.Completed>(elsewhere);
        await abort.CancelAsync();
        await Task.WhenAll(flood);
    }

    [Fact]
    public async Task A_dead_letter_is_reported_as_backpressure_and_a_final_failure_is_not()
    {
        await using var rig = await QueueRig.StartAsync(
            stores,
            ScriptedTool.WithEchoes(
                ScriptedTool.Failing(QueuedTool.SearchWeb.Lane, "serper_search: HTTP 503"),
                ScriptedTool.Failing(QueuedTool.SearchGlobal.Lane, "No key.", retryable: false)),
            knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));

        Assert.Equal(
            new ToolJobOutcome.Failed("serper_search: HTTP 503", ToolBackpressure.DeadLetter),
            await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), MaxWait));
        Assert.Equal(
            new ToolJobOutcome.Failed("No key.", null),
            await rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), MaxWait));
        Assert.Equal(1, Assert.Single(await rig.Get<DeadLetters>().GroupsAsync(CancellationToken.None)).Count);
    }

    [Fact]
    public async Task A_late_result_is_still_cached()
    {
        var release = new TaskCompletionSource();
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (arguments, token) =>
        {
            await release.Task.WaitAsync(token);
            return new ToolResult.Done(arguments, Cacheable: true);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        var (space, key) = (rig.Get<ToolCacheNamespaces>().Of(QueuedTool.SearchWeb.Cache), new SearchWebArguments(" Kettle ").CacheKey);

        var outcome = await rig.Client.RunAsync(
            new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:ann", new(space.Name, key)), TimeSpan.FromSeconds(1));
        var again = rig.Client.RunAsync(
            new(QueuedTool.SearchWeb.Lane, """{"query":"kettle"}""", "user:bob", new(space.Name, key)), MaxWait);

        // That the second turn has joined is only in Postgres.
        await Eventually.TrueAsync(async () => await rig.CountAsync("tool_jobs WHERE waiters = 1") == 1);

        release.SetResult();
        await again;

        Assert.Equal(new ToolJobOutcome.TimedOut(new("queue_timeout", TimeSpan.FromSeconds(1))), outcome);
        Assert.Equal("""{"query":"kettle"}""", await rig.Get<ToolCache>().GetAsync(space, key, CancellationToken.None));
        Assert.Single(web.Runs);
    }

    [Fact]
    public async Task An_aborted_turn_cancels_a_job_that_no_other_turn_waits_for()
    {
        var (started, stopped) = (new TaskCompletionSource(), new TaskCompletionSource());
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (_, token) =>
        {
            started.SetResult();
            await using var registration = token.Register(stopped.SetResult);
            await stopped.Task;
            token.ThrowIfCancellationRequested();
            return null!;
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web));
        using var turn = new CancellationTokenSource();
        var outcome = rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), MaxWait, turn.Token);
        await started.Task.WaitAsync(MaxWait);

        await turn.CancelAsync();

        Assert.Equal(new ToolJobOutcome.Cancelled(), await outcome);
        await stopped.Task.WaitAsync(MaxWait);
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE status = 'cancelled'"));
    }

    [Fact]
    public async Task No_job_is_lost_when_all_queues_are_deleted()
    {
        var (gate, running, twoRunning) = (new SemaphoreSlim(0), 0, new TaskCompletionSource());
        var web = new ScriptedTool(QueuedTool.SearchWeb.Lane, async (arguments, token) =>
        {
            if (Interlocked.Increment(ref running) == 2)
            {
                twoRunning.SetResult();
            }

            await gate.WaitAsync(token);
            return new ToolResult.Done(arguments, Cacheable: false);
        });
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_WAIT_MS", "60000"));
        var turns = Enumerable.Range(0, 20).Select(
            i => rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, $"{i}", $"user:{i}"), MaxWait)).ToArray();
        await twoRunning.Task.WaitAsync(MaxWait);

        foreach (var queue in QueuedTool.All.Select(tool => ToolJobTopology.QueueOf(tool.Lane.Tool)))
        {
            // A busy broker may close the connection with INTERNAL_ERROR (541), for example while the queue elects its leader.
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    await using var channel = await (await rig.ConnectAsync(CancellationToken.None)).CreateChannelAsync();
                    await channel.QueueDeleteAsync(queue);
                    return true;
                }
                catch (RabbitMQClientException)
                {
                    return false;
                }
            });
        }

        gate.Release(turns.Length);
        Assert.All(await Task.WhenAll(turns), outcome => Assert.IsType<ToolJobOutcome.Completed>(outcome));
        Assert.IsType<ToolJobOutcome.Completed>(await rig.Client.RunAsync(new(QueuedTool.SearchProducts.Lane, "{}", "user:ann"), MaxWait));
    }

    [Fact]
    public async Task A_job_whose_workers_crash_on_every_attempt_becomes_a_dead_letter()
    {
        await using var rig = await QueueRig.StartAsync(stores, []);
        var outcome = rig.Client.RunAsync(new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), MaxWait);

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            // The turn inserts the job, and later the sweeper requeues it. Neither signals this test.
            LeasedJobs? claimed = null;
            await Eventually.TrueAsync(async () =>
            {
                claimed = await rig.Leases.ClaimAsync(QueuedTool.SearchGlobal.Lane, 1, "crashing worker", CancellationToken.None);
                return claimed.Jobs.Count > 0;
            });
            await rig.ExpireLeaseAsync(claimed!.Jobs[0].Lease.Id);
        }

        Assert.Equal(new ToolJobOutcome.Failed("The worker fell silent.", ToolBackpressure.DeadLetter), await outcome);
        Assert.Equal(
            "lease_expired", Assert.Single(await rig.Get<DeadLetters>().ListAsync(new(), after: null, CancellationToken.None)).Reason);
    }

    [Fact]
    public async Task Turns_get_their_results_without_Redis()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(), new(Redis: redis));
        await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "before", "user:ann"), MaxWait);

        await redis.KillAsync();

        Assert.Equal(
            new ToolJobOutcome.Completed("without"),
            await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "without", "user:ann"), MaxWait));
    }

    [Fact]
    public async Task A_stopping_worker_returns_its_jobs_to_the_queue()
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
        await started.Task.WaitAsync(MaxWait);

        await rig.StopAsync();

        Assert.Equal("queued", await rig.ReadAsync<string>("status", job));
        Assert.Equal(0, await rig.ReadAsync<int>("attempts", job));
        Assert.Equal(1, await rig.CountAsync($"tool_outbox WHERE job_id = '{job}'"));
    }

    [Fact]
    public async Task Jobs_claimed_while_the_worker_stops_are_completed()
    {
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes());
        await using var locked = await rig.Database.OpenConnectionAsync();
        await using var transaction = await locked.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({Locks.Claiming}, {QosClass.Realtime.Number})", locked);
        await locking.ExecuteNonQueryAsync();
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        // One claim for the message, and perhaps one without a message.
        await Eventually.TrueAsync(async () => await rig.CountLockWaitsAsync() >= 1);

        var stopped = rig.StopAsync();
        await transaction.CommitAsync();
        await stopped;

        Assert.Equal("completed", await rig.ReadAsync<string>("status", job));
    }

    [Fact]
    public async Task The_trace_of_a_turn_contains_every_attempt_of_its_job()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Sendcat.ToolJobs",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var web = ScriptedTool.Failing(QueuedTool.SearchWeb.Lane, "HTTP 503");
        await using var rig = await QueueRig.StartAsync(stores, ScriptedTool.WithEchoes(web), knobs: ("TOOL_JOB_RETRY_BASE_MS", "100"));

        using var turn = new Activity("turn").Start();
        await rig.Client.RunAsync(new(QueuedTool.SearchWeb.Lane, "{}", "user:ann"), MaxWait);
        turn.Stop();
        await rig.StopAsync();

        var counts = spans.Where(span => span.TraceId == turn.TraceId).CountBy(span => span.OperationName).ToDictionary();
        Assert.Equal((1, 2), (counts["enqueue search_web"], counts["run search_web"]));

        // A free slot may claim the retry before its message is published, and the sweeper may publish a message again that it finds
        // missing.
        Assert.InRange(counts["publish search_web"], 1, 5);
    }
}
