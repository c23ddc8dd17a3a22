using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class ToolJobLedgerTests(SharedStores stores)
{
    private static readonly ToolJobCacheSlot Slot = new("search_web_v1", "kettle");

    [Fact]
    public async Task A_job_is_entered_with_its_message()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);

        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal("queued", await rig.ReadAsync<string>("status", job));
        Assert.Equal(1, await rig.CountAsync($"tool_outbox WHERE job_id = '{job}' AND tool = 'search_web'"));
    }

    [Fact]
    public async Task A_full_lane_is_refused_however_many_ask_at_once()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "7"));

        var entered = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", $"user:{i}"), default)));

        Assert.Equal(7, entered.Count(it => it.Id is not null));
        Assert.Equal(33, entered.Count(it => it is { Id: null, OverCap: true }));
        Assert.Equal(7, await rig.CountAsync("tool_jobs"));
        Assert.Equal(7, await rig.CountAsync("tool_outbox"));
        Assert.NotNull((await rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), default)).Id);
    }

    [Fact]
    public async Task One_principal_cannot_fill_a_lane()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "8"));

        var flood = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(rig, "user:flood")));
        var others = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => AskAsync(rig, $"user:{i}")));
        await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal(2, flood.Count(it => it.Id is not null));
        Assert.All(others, it => Assert.NotNull(it.Id));
        Assert.Equal(new(Id: null, Joined: false, OverCap: true, Announced: false), await AskAsync(rig, "user:flood"));
    }

    [Fact]
    public async Task Who_is_over_his_share_takes_no_place_from_those_who_ask_together_with_him()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "8"));
        await using var locked = await rig.Database.OpenConnectionAsync();
        await using var transaction = await locked.BeginTransactionAsync();
        await using var locking = new Npgsql.NpgsqlCommand($"SELECT pg_advisory_xact_lock({Locks.Entering}, {QueuedTool.SearchWeb.Lane.Number})", locked);
        await locking.ExecuteNonQueryAsync();

        // The first goes alone and is held up; what comes meanwhile is one statement.
        var first = AskAsync(rig, "user:first");
        var together = Enumerable.Range(0, 30).Select(_ => "user:flood").Concat(Enumerable.Range(0, 5).Select(i => $"user:{i}")).Select(principal => AskAsync(rig, principal)).ToArray();
        await transaction.CommitAsync();

        Assert.NotNull((await first).Id);
        Assert.Equal(2, (await Task.WhenAll(together[..30])).Count(it => it.Id is not null));
        Assert.All(await Task.WhenAll(together[30..]), it => Assert.NotNull(it.Id));
    }

    [Fact]
    public async Task An_advisory_cap_refuses_nobody_and_counts_whom_it_would_have()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "false"), ("TOOL_JOB_QMAX_WEB", "2"));

        for (var i = 0; i < 5; i++)
        {
            await rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}");
        }

        var web = (await rig.Get<ToolJobStatistics>().ReadAsync(TimeSpan.FromMinutes(15), CancellationToken.None)).Lanes[0];
        Assert.Equal((5, 3, 2.5), (web.Queued, web.OverCap, web.QueuedUtilization));
    }

    [Fact]
    public async Task One_cache_slot_is_one_live_job_whoever_asks()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "1"));

        var together = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}", cache: Slot)));
        var later = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);

        Assert.Equal(later, Assert.Single(together.Distinct()));
        Assert.Equal(21, await rig.ReadAsync<int>("waiters", later));
        Assert.Equal(1, await rig.CountAsync("tool_outbox"));
    }

    [Fact]
    public async Task A_turn_does_not_hurry_a_job_that_waits_because_it_failed()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "2"), ("TOOL_JOB_RETRY_BASE_MS", "60000"));
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);
        await rig.Claims.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "HTTP 503", retryable: true);

        Assert.Equal(job, await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob", cache: Slot));

        Assert.Empty((await rig.Claims.ClaimAsync(QueuedTool.SearchWeb.Lane, 1, "worker", CancellationToken.None)).Jobs);
    }

    [Fact]
    public async Task A_finished_job_is_not_joined()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var first = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);
        await rig.Claims.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");

        var second = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_job_is_cancelled_when_the_last_turn_gives_it_up()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:ann", cache: Slot);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob", cache: Slot);

        Assert.False((await rig.Ledger.LeaveAsync(job, abandon: true)).Cancelled);
        Assert.Equal(new LeftJob(Cancelled: true, WasRunning: false), await rig.Ledger.LeaveAsync(job, abandon: true));

        Assert.Equal("cancelled", await rig.ReadAsync<string>("status", job));
        Assert.Empty((await rig.Claims.ClaimAsync(QueuedTool.SearchWeb.Lane, 1, "worker", CancellationToken.None)).Jobs);
    }

    [Fact]
    public async Task A_job_whose_waiters_only_ran_out_of_time_lives_on()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        Assert.False((await rig.Ledger.LeaveAsync(job, abandon: false)).Cancelled);

        Assert.Equal(job, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
    }

    private static Task<EnteredJob> AskAsync(QueueRig rig, string principal) => rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", principal), default);
}
