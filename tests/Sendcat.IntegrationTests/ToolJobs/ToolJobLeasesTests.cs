using Npgsql;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Leases of running jobs: fencing, recovery, caps, fair order, retries and returned jobs.</summary>
public sealed class ToolJobLeasesTests(SharedStores stores)
{
    [Fact]
    public async Task A_worker_whose_lease_expired_commits_nothing()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var expired = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);

        await rig.ExpireLeaseAsync(job);

        Assert.Empty(await rig.Leases.RenewAsync([expired.Lease], CancellationToken.None));
        Assert.False(await rig.Leases.CompleteAsync(expired.Lease, "late"));
        Assert.Null(await rig.Leases.FailAsync(expired.Lease, "late", retryable: true));
        Assert.Equal("running", await rig.ReadAsync<string>("status", job));
    }

    [Fact]
    public async Task A_renewal_does_not_wait_for_a_job_that_another_statement_has_locked()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var locked = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var free = await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob");
        var jobs = (await rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 2, "worker", CancellationToken.None)).Jobs;
        var expiry = await rig.ReadAsync<DateTime>("lease_expires_at", locked);
        await using var other = await rig.Database.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand($"SELECT FROM reliability.tool_jobs WHERE id = '{locked}' FOR UPDATE", other);
        await locking.ExecuteNonQueryAsync();

        var valid = await rig.Leases.RenewAsync([.. jobs.Select(job => job.Lease)], CancellationToken.None);

        Assert.Equal(new() { [locked] = false, [free] = true }, new Dictionary<Guid, bool>(valid));
        Assert.Equal(expiry, await rig.ReadAsync<DateTime>("lease_expires_at", locked));
        Assert.True(await rig.ReadAsync<DateTime>("lease_expires_at", free) > expiry);
    }

    [Fact]
    public async Task Only_the_newest_fencing_token_may_end_a_job()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var first = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
        await rig.ExpireLeaseAsync(job);
        await RecoverAsync(rig);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now()");
        var second = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);

        Assert.False(await rig.Leases.CompleteAsync(first.Lease, "first"));
        Assert.True(await rig.Leases.CompleteAsync(second.Lease, "second"));
        Assert.False(await rig.Leases.CompleteAsync(second.Lease, "again"));

        Assert.Equal("second", await rig.ReadAsync<string>("result", job));
        Assert.Equal(2, second.Lease.Attempt);
    }

    [Fact]
    public async Task Jobs_of_a_worker_that_stopped_responding_are_requeued_with_different_delays()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(
            stores, ("TOOL_JOB_RUNMAX_WEB", "20"), ("TOOL_JOB_RUNMAX_QOS_REALTIME", "20"));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}")));
        await rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 20, "worker", CancellationToken.None);
        await rig.ExecuteAsync(
            "DELETE FROM reliability.tool_outbox; UPDATE reliability.tool_jobs SET lease_expires_at = now() - interval '1 ms'");

        await RecoverAsync(rig);

        Assert.Equal(
            20,
            await rig.CountAsync("tool_jobs WHERE status = 'queued' AND available_at BETWEEN updated_at AND updated_at + interval '2 s'"));
        await using var times = rig.Database.CreateCommand(
            """
            SELECT count(DISTINCT available_at) FROM reliability.tool_jobs j
            JOIN reliability.tool_outbox o ON o.job_id = j.id AND o.due_at = j.available_at
            """);
        Assert.Equal(20L, await times.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_recovered_job_runs_before_jobs_that_were_inserted_while_it_ran()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET fair_at = now() + interval '1 hour'");
        Assert.Equal(job, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob");
        await rig.ExpireLeaseAsync(job);
        await RecoverAsync(rig);

        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now()");

        Assert.Equal(job, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
    }

    [Fact]
    public async Task A_recovered_job_runs_before_jobs_inserted_later()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var second = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
        Assert.Equal(second, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
        await rig.ExpireLeaseAsync(second);
        await RecoverAsync(rig);

        await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob");
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now()");

        Assert.Equal(second, (await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease.Id);
    }

    [Fact]
    public async Task Running_caps_hold_for_concurrent_claims()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_RUNMAX_WEB", "5"), ("TOOL_JOB_RUNMAX_QOS_REALTIME", "4"));
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}")));

        var claims = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(
                i => rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 3, $"worker-{i}", CancellationToken.None)));

        Assert.Equal(4, claims.Sum(claim => claim.Jobs.Count));
        Assert.All(claims, claim => Assert.True(claim.MoreDue));
        Assert.Equal(4, claims.SelectMany(claim => claim.Jobs).Select(job => job.Lease.Id).Distinct().Count());
    }

    [Fact]
    public async Task Many_jobs_of_one_principal_do_not_delay_the_jobs_of_others()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:flood")));

        var others = new[]
        {
            await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:ann"), await rig.EnterAsync(QueuedTool.SearchWeb.Lane, "user:bob"),
        };

        var principals = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            var job = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
            principals.Add(job.Principal);
            await rig.Leases.CompleteAsync(job.Lease, "{}");
        }

        Assert.Equal(["user:flood", "user:ann", "user:bob", "user:flood", "user:flood", "user:flood"], principals);
    }

    [Fact]
    public async Task A_failed_job_waits_for_its_backoff_and_becomes_a_dead_letter_after_its_last_attempt()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "2"));
        var job = await rig.EnterAsync(QueuedTool.SearchGlobal.Lane);

        Assert.Equal(
            "queued",
            await rig.Leases.FailAsync(
                (await rig.ClaimOneAsync(QueuedTool.SearchGlobal.Lane)).Lease, "HTTP 503 from shop 17", retryable: true));
        Assert.Empty((await rig.Leases.ClaimAsync(QueuedTool.SearchGlobal.Lane, 1, "worker", CancellationToken.None)).Jobs);
        Assert.Equal(
            1, await rig.CountAsync($"tool_outbox WHERE job_id = '{job}' AND due_at > now() AND due_at < now() + interval '1.3 s'"));

        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now()");
        Assert.Equal(
            "dead_letter",
            await rig.Leases.FailAsync(
                (await rig.ClaimOneAsync(QueuedTool.SearchGlobal.Lane)).Lease, "HTTP 503 from shop 18", retryable: true));

        var deadLetter = Assert.Single(await rig.Get<DeadLetters>().ListAsync(new(), null, CancellationToken.None));
        Assert.Equal(("attempts_exhausted", "HTTP 503 from shop 18", 2), (deadLetter.Reason, deadLetter.Error, deadLetter.Attempts));
        Assert.Contains("shop 17", deadLetter.History, StringComparison.Ordinal);
        Assert.Contains("shop 18", deadLetter.History, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_that_is_not_retryable_is_no_dead_letter()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var job = await rig.EnterAsync(QueuedTool.SearchGlobal.Lane);

        Assert.Equal(
            "failed",
            await rig.Leases.FailAsync(
                (await rig.ClaimOneAsync(QueuedTool.SearchGlobal.Lane)).Lease, "SERPER_API_KEY is not set.", retryable: false));

        Assert.Equal("failed", await rig.ReadAsync<string>("status", job));
        Assert.Empty(await rig.Get<DeadLetters>().GroupsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_returned_job_keeps_its_attempts()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var claimed = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);

        Assert.Equal(1, await rig.Leases.ReturnAsync([claimed.Lease], CancellationToken.None));

        var again = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
        Assert.Equal((1, claimed.Lease.Token + 1), (again.Lease.Attempt, again.Lease.Token));
        Assert.False(await rig.Leases.CompleteAsync(claimed.Lease, "late"));
    }

    [Fact]
    public async Task Completions_in_one_batch_are_checked_separately()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(
            stores, ("TOOL_JOB_RUNMAX_WEB", "100"), ("TOOL_JOB_RUNMAX_QOS_REALTIME", "100"));
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => rig.EnterAsync(QueuedTool.SearchWeb.Lane, $"user:{i}")));
        var jobs = (await rig.Leases.ClaimAsync(QueuedTool.SearchWeb.Lane, 60, "worker", CancellationToken.None)).Jobs;
        await rig.ExpireLeaseAsync(jobs[7].Lease.Id);

        var completed = await Task.WhenAll(jobs.Select(job => rig.Leases.CompleteAsync(job.Lease, "{}")));

        Assert.Equal(60, jobs.Count);
        Assert.Equal([7], completed.Index().Where(it => !it.Item).Select(it => it.Index));
    }

    private static Task RecoverAsync(QueueRig rig) => rig.Recovery.RecoverExpiredLeasesAsync(CancellationToken.None);
}
