using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Inserting, joining and cancelling jobs: caps, fair shares and single flight.</summary>
public sealed class ToolJobLedgerTests(SharedStores stores)
{
    private static readonly ToolJobCacheSlot Slot = new("search_web_v1", "kettle");

    [Fact]
    public async Task A_job_is_inserted_together_with_its_outbox_message()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);

        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal("queued", await rig.ReadAsync<string>("status", job));
        Assert.Equal(1, await rig.CountAsync($"tool_outbox WHERE job_id = '{job}' AND tool = 'search_web'"));
    }

    [Fact]
    public async Task A_full_lane_refuses_jobs_also_under_concurrent_requests()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "7"));

        var entered = await Task.WhenAll(Enumerable.Range(0, 40).Select(
            i => rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", $"user:{i}"), default)));

        Assert.Equal(7, entered.Count(it => it.Id is not null));
        Assert.Equal(33, entered.Count(it => it is { Id: null, OverCap: true }));
        Assert.Equal(7, await rig.CountAsync("tool_jobs"));
        Assert.Equal(7, await rig.CountAsync("tool_outbox"));
        Assert.NotNull(
            (await rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchGlobal.Lane, "{}", "user:ann"), default)).Id);
    }

    [Fact]
    public async Task One_principal_cannot_fill_a_lane()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "8"));

        var flood = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => EnterAsync(rig, "user:flood")));
        var others = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => EnterAsync(rig, $"user:{i}")));
        await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal(2, flood.Count(it => it.Id is not null));
        Assert.All(others, it => Assert.NotNull(it.Id));
        Assert.Equal(new(Id: null, Joined: false, OverCap: true, Announced: false), await EnterAsync(rig, "user:flood"));
    }

    [Fact]
    public async Task A_principal_over_its_share_takes_no_slot_from_others_in_the_same_batch()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "8"));
        await using var locked = await rig.Database.OpenConnectionAsync();
        await using var transaction = await locked.BeginTransactionAsync();
        await using var locking = new Npgsql.NpgsqlCommand(
            $"SELECT pg_advisory_xact_lock({Locks.Entering}, {QueuedTool.SearchWeb.Lane.Number})", locked);
        await locking.ExecuteNonQueryAsync();

        // The lock blocks the first statement. All requests that arrive meanwhile go into the next one.
        var first = EnterAsync(rig, "user:first");
        var batch = Enumerable.Range(0, 30).Select(_ => "user:flood").Concat(Enumerable.Range(0, 5).Select(i => $"user:{i}"))
            .Select(principal => EnterAsync(rig, principal))
            .ToArray();
        await transaction.CommitAsync();

        Assert.NotNull((await first).Id);
        Assert.Equal(2, (await Task.WhenAll(batch[..30])).Count(it => it.Id is not null));
        Assert.All(await Task.WhenAll(batch[30..]), it => Assert.NotNull(it.Id));
    }

    [Fact]
    public async Task An_advisory_cap_refuses_no_job_and_counts_the_jobs_over_it()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "false"), ("TOOL_JOB_QMAX_WEB", "2"));

        for (var i = 0; i < 5; i++)
        {
            await rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}");
        }

        var web = (await rig.Get<ToolJobStatistics>().ReadAsync(TimeSpan.FromMinutes(15), CancellationToken.None)).Lanes[0];
        Assert.Equal((5, 3, 2.5), (web.Queued, web.OverCap, web.QueuedUtilization));
    }

    [Fact]
    public async Task Requests_with_one_cache_key_share_one_live_job()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("FF_TOOL_QUEUE_ENFORCE", "true"), ("TOOL_JOB_QMAX_WEB", "1"));

        var together = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}", cache: Slot)));
        var later = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);

        Assert.Equal(later, Assert.Single(together.Distinct()));
        Assert.Equal(21, await rig.ReadAsync<int>("waiters", later));
        Assert.Equal(1, await rig.CountAsync("tool_outbox"));
    }

    [Fact]
    public async Task A_joining_turn_does_not_shorten_the_backoff_of_a_failed_job()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "2"), ("TOOL_JOB_RETRY_BASE_MS", "60000"));
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);
        await rig.Leases.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "HTTP 503", retryable: true);

        Assert.Equal(job, await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob", cache: Slot));

        Assert.Empty((await rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 1, "worker", CancellationToken.None)).Jobs);
    }

    [Fact]
    public async Task A_finished_job_is_not_joined()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var first = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");

        var second = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, cache: Slot);

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task A_job_is_cancelled_when_its_last_turn_abandons_it()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:ann", cache: Slot);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob", cache: Slot);

        Assert.False((await rig.Ledger.LeaveAsync(job, abandon: true)).Cancelled);
        Assert.Equal(new LeftJob(Cancelled: true, WasRunning: false), await rig.Ledger.LeaveAsync(job, abandon: true));

        Assert.Equal("cancelled", await rig.ReadAsync<string>("status", job));
        Assert.Empty((await rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 1, "worker", CancellationToken.None)).Jobs);
    }

    [Fact]
    public async Task A_job_whose_waiters_timed_out_is_not_cancelled()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);

        Assert.False((await rig.Ledger.LeaveAsync(job, abandon: false)).Cancelled);

        Assert.Equal(job, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
    }

    private static Task<EnteredJob> EnterAsync(QueueRig rig, string principal) =>
        rig.Ledger.EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", principal), default);
}
