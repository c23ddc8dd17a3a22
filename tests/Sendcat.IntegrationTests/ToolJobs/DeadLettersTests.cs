using Npgsql;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Listing, requeueing and discarding dead letters, and the removal of expired jobs.</summary>
public sealed class DeadLettersTests(SharedStores stores)
{
    private static readonly ToolJobCacheSlot Slot = new("search_web_v1", "kettle");

    [Fact]
    public async Task Dead_letters_are_grouped_by_tool_and_cause()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "HTTP 503 after 712 ms");
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "HTTP 502 after 9 ms");
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "unreadable answer");
        await DeadLetterAsync(rig, QueuedTool.SearchGlobal.Lane, "HTTP 503 after 1 ms");

        var groups = await rig.Get<DeadLetters>().GroupsAsync(CancellationToken.None);

        Assert.Equal([("search_web", 2), ("search_global", 1), ("search_web", 1)], groups.Select(group => (group.Tool, group.Count)));
        Assert.Equal("HTTP 502 after 9 ms", groups[0].Error);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var job = await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom");

        var requeue = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: true, new("ada"), CancellationToken.None);
        var discard = await rig.Get<DeadLetters>().DiscardAsync(new(), dryRun: true, new("ada"), CancellationToken.None);

        Assert.Equal((1, job), (requeue.Matched, Assert.Single(requeue.Jobs)));
        Assert.Equal((1, job), (discard.Matched, Assert.Single(discard.Jobs)));
        Assert.Equal("dead_letter", await rig.ReadAsync<string>("status", job));
    }

    [Fact]
    public async Task A_replay_resets_the_attempts_and_runs_at_a_limited_rate()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "2"));
        var deadLetters = new List<Guid>();
        for (var i = 0; i < 6; i++)
        {
            deadLetters.Add(await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom"));
        }

        var first = await rig.Get<DeadLetters>().RequeueAsync(
            new(Tool: "search_web", Limit: 4), dryRun: false, new("ada"), CancellationToken.None);
        var second = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);

        Assert.Equal(deadLetters[..4], first.Jobs);
        Assert.Equal(deadLetters[4..], second.Jobs);
        Assert.Equal(TimeSpan.FromSeconds(1), second.LastDueAt - first.LastDueAt);
        Assert.Equal(6, await rig.CountAsync("tool_jobs WHERE status = 'queued' AND attempts = 0 AND replay_count = 1"));
        Assert.Equal(6, await rig.CountAsync(
            "tool_outbox o WHERE EXISTS (SELECT FROM reliability.tool_jobs j WHERE j.id = o.job_id AND j.available_at = o.due_at)"));
    }

    [Fact]
    public async Task A_replay_that_is_not_due_takes_no_queue_slot()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(
            stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "1"), ("FF_TOOL_QUEUE_ENFORCE", "true"),
            ("TOOL_JOB_QMAX_WEB", "2"));
        for (var i = 0; i < 5; i++)
        {
            await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom");
        }

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);
        var live = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob");

        Assert.Equal(live, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
    }

    [Fact]
    public async Task A_replay_that_is_not_due_does_not_delay_other_jobs_of_its_principal()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom");
        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now() + interval '1 minute'");

        var live = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal(TimeSpan.Zero, await rig.ReadAsync<TimeSpan>("fair_at - created_at", live));
    }

    [Fact]
    public async Task A_replay_that_a_turn_joins_is_due_at_once()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var replay = await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom", Slot);
        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);
        await rig.ExecuteAsync(
            """
            DELETE FROM reliability.tool_outbox;
            UPDATE reliability.tool_jobs
            SET available_at = now() + interval '1 hour', announced_at = now() + interval '1 hour', fair_at = now() + interval '1 hour'
            """);

        var joined = await rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", "user:bob", Slot), default);
        var again = await rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", "user:eve", Slot), default);

        Assert.Equal(new(replay, Joined: true, OverCap: false, Announced: true), joined);
        Assert.Equal(joined with { Announced = false }, again);
        Assert.Equal(1, await rig.CountAsync($"tool_outbox WHERE job_id = '{replay}' AND due_at <= now()"));
        Assert.Equal(replay, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE available_at = announced_at AND available_at = fair_at"));
    }

    [Fact]
    public async Task A_dead_letter_is_skipped_when_an_uncommitted_insert_has_the_same_cache_key()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("FF_TOOL_QUEUE_ENFORCE", "false"));
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom", Slot);
        await using var entering = await rig.Database.OpenConnectionAsync();
        await using var transaction = await entering.BeginTransactionAsync();
        await using var entry = new NpgsqlCommand(
            $"""
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, cache_namespace, cache_key, max_attempts, available_at,
              fair_at, announced_at, created_at, updated_at)
            VALUES ('{Guid.CreateVersion7()}', 'search_web', 'realtime', 'user:bob', '{"{}"}', '{Slot.Namespace}', '{Slot.Key}', 2, now(), now(), now(), now(), now())
            """, entering);
        await entry.ExecuteNonQueryAsync();

        var requeue = rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);
        await Eventually.TrueAsync(async () => await rig.CountLockWaitsAsync() == 1);
        await transaction.CommitAsync();

        var change = await requeue;
        Assert.Equal((1, 0, 1), (change.Matched, change.Jobs.Count, change.Skipped));
    }

    [Fact]
    public async Task A_dead_letter_is_skipped_when_a_live_job_has_the_same_cache_key()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom", Slot);
        await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom", Slot);

        var one = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);
        var none = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);

        Assert.Equal((2, 1, 1), (one.Matched, one.Jobs.Count, one.Skipped));
        Assert.Equal((1, 0, 1), (none.Matched, none.Jobs.Count, none.Skipped));
    }

    [Fact]
    public async Task A_discarded_dead_letter_becomes_a_cancelled_job()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var job = await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom");
        var other = await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "bang");

        await rig.Get<DeadLetters>().DiscardAsync(
            new(Fingerprint: ErrorFingerprint.Of("boom")), dryRun: false, new("ada"), CancellationToken.None);

        Assert.Equal("cancelled", await rig.ReadAsync<string>("status", job));
        Assert.Equal("dead_letter", await rig.ReadAsync<string>("status", other));
    }

    [Fact]
    public async Task Only_finished_jobs_after_their_retention_time_are_removed()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var dead = await DeadLetterAsync(rig, QueuedTool.SearchWeb.Lane, "boom");
        var old = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");
        var waiting = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.ExecuteAsync(
            """
            UPDATE reliability.tool_jobs
            SET created_at = now() - interval '3 days', completed_at = completed_at - interval '3 days',
              expires_at = expires_at - interval '3 days'
            """);

        var removed = await rig.Recovery.RemoveExpiredAsync(CancellationToken.None);

        Assert.Equal(1, removed);
        Assert.Equal(0, await rig.CountAsync($"tool_jobs WHERE id = '{old}'"));
        Assert.Equal(2, await rig.CountAsync($"tool_jobs WHERE id IN ('{dead}', '{waiting}')"));
    }

    /// <summary>Inserts a job and lets its only attempt fail.</summary>
    private static async Task<Guid> DeadLetterAsync(QueueRig rig, ToolLane lane, string error, ToolJobCacheSlot? slot = null)
    {
        var job = await rig.EnterAsync(lane, cache: slot);
        Assert.Equal("dead_letter", await rig.Leases.FailAsync((await rig.ClaimOneAsync(lane)).Lease, error, retryable: true));
        return job;
    }
}
