using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class DeadLettersTests(SharedStores stores)
{
    [Fact]
    public async Task Dead_letters_are_grouped_by_tool_and_cause()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await DieAsync(rig, ToolLane.SearchWeb, "HTTP 503 after 712 ms");
        await DieAsync(rig, ToolLane.SearchWeb, "HTTP 502 after 9 ms");
        await DieAsync(rig, ToolLane.SearchWeb, "unreadable answer");
        await DieAsync(rig, ToolLane.SearchGlobal, "HTTP 503 after 1 ms");

        var groups = await rig.Get<DeadLetters>().GroupsAsync(CancellationToken.None);

        Assert.Equal([("search_web", 2), ("search_global", 1), ("search_web", 1)], groups.Select(group => (group.Tool, group.Count)));
        Assert.Equal("HTTP 502 after 9 ms", groups[0].Error);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var job = await DieAsync(rig, ToolLane.SearchWeb, "boom");

        var requeue = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: true, "ada", CancellationToken.None);
        var discard = await rig.Get<DeadLetters>().DiscardAsync(new(), dryRun: true, "ada", CancellationToken.None);

        Assert.Equal((1, job), (requeue.Matched, Assert.Single(requeue.Jobs)));
        Assert.Equal((1, job), (discard.Matched, Assert.Single(discard.Jobs)));
        Assert.Equal("dead_letter", await rig.ReadAsync<string>("status", job));
    }

    [Fact]
    public async Task A_replay_gives_back_all_attempts_at_a_bounded_rate()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "2"));
        var letters = new List<Guid>();
        for (var i = 0; i < 6; i++)
        {
            letters.Add(await DieAsync(rig, ToolLane.SearchWeb, "boom"));
        }

        var first = await rig.Get<DeadLetters>().RequeueAsync(new(Tool: "search_web", Limit: 4), dryRun: false, "ada", CancellationToken.None);
        var second = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);

        Assert.Equal(letters[..4], first.Jobs);
        Assert.Equal(letters[4..], second.Jobs);
        Assert.Equal(TimeSpan.FromSeconds(1), second.LastDueAt - first.LastDueAt);
        Assert.Equal(6, await rig.CountAsync("tool_jobs WHERE status = 'queued' AND attempts = 0 AND replay_count = 1"));
        Assert.Equal(6, await rig.CountAsync("tool_outbox o WHERE EXISTS (SELECT FROM reliability.tool_jobs j WHERE j.id = o.job_id AND j.available_at = o.due_at)"));
    }

    [Fact]
    public async Task A_replay_that_waits_for_its_time_takes_nobodys_place()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(
            stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "1"), ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "2"));
        for (var i = 0; i < 5; i++)
        {
            await DieAsync(rig, ToolLane.SearchWeb, "boom");
        }

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);
        var live = await rig.EnterAsync(ToolLane.SearchWeb);

        Assert.Equal(live, (await rig.ClaimOneAsync(ToolLane.SearchWeb)).Claim.Id);
    }

    [Fact]
    public async Task A_letter_with_a_living_twin_stays_dead()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var slot = new ToolJobCacheSlot("search_web_v1", "kettle");
        await DieAsync(rig, ToolLane.SearchWeb, "boom", slot);
        await DieAsync(rig, ToolLane.SearchWeb, "boom", slot);

        var one = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);
        var none = await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);

        Assert.Equal((2, 1, 1), (one.Matched, one.Jobs.Count, one.Skipped));
        Assert.Equal((1, 0, 1), (none.Matched, none.Jobs.Count, none.Skipped));
    }

    [Fact]
    public async Task A_discarded_letter_is_a_cancelled_job()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var job = await DieAsync(rig, ToolLane.SearchWeb, "boom");
        var other = await DieAsync(rig, ToolLane.SearchWeb, "bang");

        await rig.Get<DeadLetters>().DiscardAsync(new(Fingerprint: ErrorFingerprint.Of("boom")), dryRun: false, "ada", CancellationToken.None);

        Assert.Equal("cancelled", await rig.ReadAsync<string>("status", job));
        Assert.Equal("dead_letter", await rig.ReadAsync<string>("status", other));
    }

    [Fact]
    public async Task Only_finished_jobs_that_were_kept_long_enough_are_removed()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        var dead = await DieAsync(rig, ToolLane.SearchWeb, "boom");
        var old = await rig.EnterAsync(ToolLane.SearchWeb);
        await rig.Claims.CompleteAsync((await rig.ClaimOneAsync(ToolLane.SearchWeb)).Claim, "{}");
        var waiting = await rig.EnterAsync(ToolLane.SearchWeb);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET created_at = now() - interval '3 days', completed_at = completed_at - interval '3 days', expires_at = expires_at - interval '3 days'");

        var removed = await new Rescue(rig.Database, rig.Get<Microsoft.Extensions.Options.IOptionsMonitor<ToolJobOptions>>(), rig.Get<ToolJobSignals>()).RemoveExpiredAsync(CancellationToken.None);

        Assert.Equal(1, removed);
        Assert.Equal(0, await rig.CountAsync($"tool_jobs WHERE id = '{old}'"));
        Assert.Equal(2, await rig.CountAsync($"tool_jobs WHERE id IN ('{dead}', '{waiting}')"));
    }

    private static async Task<Guid> DieAsync(QueueRig rig, ToolLane lane, string error, ToolJobCacheSlot? slot = null)
    {
        var job = await rig.EnterAsync(lane, cache: slot);
        Assert.Equal("dead_letter", await rig.Claims.FailAsync((await rig.ClaimOneAsync(lane)).Claim, error, retryable: true));
        return job;
    }
}
