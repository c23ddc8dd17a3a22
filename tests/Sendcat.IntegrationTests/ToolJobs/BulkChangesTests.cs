using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Bulk;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The search of dead letters, and changes of all that match.</summary>
public sealed class BulkChangesTests(SharedStores stores)
{
    private static readonly AuditedBy Ada = new("ada", "the shop is back");

    private LaneObstacle? _obstacle;

    [Fact]
    public async Task Letters_are_found_by_words_of_their_arguments_principal_and_age()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        await InsertAsync(rig, 20, "'search_web'", """jsonb_build_object('query', 'electric kettle ' || n)::text""");
        await InsertAsync(rig, 1, "'search_web'", """'{"query":"K\u00E4se-reibe, 12.5 cm"}'""", principal: "'user:eve'", age: "'2 days'");
        await InsertAsync(rig, 1, "'search_global'", """'{"query":"Käsebrett"}'""", principal: "'user:eve'");
        var letters = rig.Get<DeadLetters>();

        async Task<int> CountAsync(DeadLetterFilter filter)
        {
            Assert.Equal(
                (await letters.ListAsync(filter, null, CancellationToken.None)).Count,
                await letters.CountAsync(filter, CancellationToken.None));
            return await letters.CountAsync(filter, CancellationToken.None);
        }

        Assert.Equal(20, await CountAsync(new() { Arguments = "Kettle electric" }));
        Assert.Equal(1, await CountAsync(new() { Arguments = "kettle 17" }));
        Assert.Equal(2, await CountAsync(new() { Arguments = "käse" }));
        Assert.Equal(1, await CountAsync(new() { Arguments = "reibe 12.5" }));
        Assert.Equal(0, await CountAsync(new() { Arguments = "ettle" }));
        Assert.Equal(0, await CountAsync(new() { Arguments = "it's | !kettle & (" }));
        Assert.Equal(
            (2, 1),
            (await CountAsync(new() { Principal = "user:eve" }), await CountAsync(new(Tool: "search_web") { Principal = "user:eve" })));
        var yesterday = TimeProvider.System.GetUtcNow().AddDays(-1);
        Assert.Equal((21, 1), (await CountAsync(new() { DiedAfter = yesterday }), await CountAsync(new(DiedBefore: yesterday))));
    }

    [Fact]
    public async Task Each_letter_is_requeued_once_by_replicas_that_work_at_the_same_time_and_not_again_when_it_dies_again()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "200"));
        await InsertAsync(rig, 1_500, "(ARRAY['search_web', 'search_global', 'search_products'])[1 + n % 3]", "'{}'");
        var (one, two) = (Runner(rig), Runner(rig));
        var change = await CreateAsync(rig, one, BulkChange.Requeue, new(), 1_500);
        var late = await InsertAsync(rig, 1, "'search_web'", "'{}'", age: "'0 minutes'");

        while ((await FindAsync(rig, change)).State == "running")
        {
            await Task.WhenAll(one.StepAsync(CancellationToken.None), two.StepAsync(CancellationToken.None));
            await rig.ExecuteAsync(
                "UPDATE reliability.tool_jobs SET status = 'dead_letter', dead_letter_at = now() "
                    + "WHERE id IN (SELECT id FROM reliability.tool_jobs WHERE status = 'queued' LIMIT 1)");
        }

        Assert.Equal(1_500, await rig.CountAsync("tool_jobs WHERE replay_count = 1"));
        Assert.Equal(0, await rig.CountAsync("tool_jobs WHERE replay_count > 1"));
        Assert.Equal(1_500, await rig.CountAsync("tool_outbox"));
        Assert.Equal(0, await rig.CountAsync("tool_outbox a JOIN reliability.tool_outbox b ON a.job_id = b.job_id AND a.id <> b.id"));
        Assert.Equal(0, await rig.ReadAsync<int>("replay_count", late));
        Assert.Equal((1_500, 0), ((await FindAsync(rig, change)).Changed, (await FindAsync(rig, change)).Skipped));
    }

    [Fact]
    public async Task Two_operators_who_requeue_the_same_letters_requeue_each_once_and_skip_each_at_most_once()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "50"));
        await InsertAsync(rig, 160, "'search_web'", "'{}'", slot: "CASE WHEN n <= 3 THEN 'kettle' END");
        var runner = Runner(rig);
        var (one, two) =
            (await CreateAsync(rig, runner, BulkChange.Requeue, new(), 160),
                await CreateAsync(rig, runner, BulkChange.Requeue, new(), 160));

        // The rate allows the last ones after a second.
        await Eventually.TrueAsync(async () => !await runner.StepAsync(CancellationToken.None));

        var (first, second) = (await FindAsync(rig, one), await FindAsync(rig, two));
        Assert.Equal(("settling", "settling", 158), (first.State, second.State, first.Changed + second.Changed));
        Assert.Equal((2, 2), (first.Skipped, second.Skipped));
        Assert.Equal(
            (158, 2),
            (await rig.CountAsync("tool_jobs WHERE replay_count = 1"), await rig.CountAsync("tool_jobs WHERE status = 'dead_letter'")));
    }

    [Fact]
    public async Task A_step_requeues_what_the_rate_allows_for_two_seconds()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "2"));
        await InsertAsync(rig, 20, "'search_web'", "'{}'");

        // A retry of an earlier replay that is due later does not hold the others up.
        await rig.ExecuteAsync(
            "UPDATE reliability.tool_jobs SET status = 'queued', replay_count = 1, attempts = 1, available_at = now() + interval '1 hour' "
                + "WHERE id = (SELECT max(id::text)::uuid FROM reliability.tool_jobs)");
        var runner = Runner(rig);
        await CreateAsync(rig, runner, BulkChange.Requeue, new(), 19);

        await runner.StepAsync(CancellationToken.None);
        Assert.Equal(4, await rig.CountAsync("tool_jobs WHERE replay_count = 1 AND attempts = 0"));
        Assert.Equal(
            0,
            await rig.CountAsync(
                "tool_jobs a JOIN reliability.tool_jobs b ON a.available_at = b.available_at AND a.id <> b.id WHERE a.status = 'queued'"));
        await runner.StepAsync(CancellationToken.None);

        Assert.InRange(await rig.CountAsync("tool_jobs WHERE replay_count = 1 AND attempts = 0"), 4, 6);
    }

    [Fact]
    public async Task The_letters_of_a_tool_wait_while_the_circuit_of_its_upstream_is_open_and_probe_one_by_one_afterwards()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "1000"));
        await InsertAsync(rig, 10, "(ARRAY['search_web', 'search_products'])[1 + n % 2]", "'{}'");
        var runner = Runner(rig);
        var change = await CreateAsync(rig, runner, BulkChange.Requeue, new(), 10);

        _obstacle = new("ebay_search", MayProbe: false);
        await runner.StepAsync(CancellationToken.None);
        Assert.Equal((5, 0), (await QueuedAsync("search_web"), await QueuedAsync("search_products")));
        Assert.Equal(("running", "ebay_search"), ((await FindAsync(rig, change)).State, (await FindAsync(rig, change)).WaitsFor));

        _obstacle = new("ebay_search", MayProbe: true);
        await runner.StepAsync(CancellationToken.None);
        Assert.Equal(1, await QueuedAsync("search_products"));

        _obstacle = null;
        await runner.StepAsync(CancellationToken.None);
        Assert.Equal(5, await QueuedAsync("search_products"));
        Assert.Equal(("settling", null), ((await FindAsync(rig, change)).State, (await FindAsync(rig, change)).WaitsFor));

        Task<long> QueuedAsync(string tool) => rig.CountAsync($"tool_jobs WHERE tool = '{tool}' AND status = 'queued'");
    }

    [Fact]
    public async Task A_forced_change_does_not_wait_for_circuits()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "1000"));
        await InsertAsync(rig, 5, "'search_products'", "'{}'");
        var runner = Runner(rig);
        _obstacle = new("ebay_search", MayProbe: false);
        await CreateAsync(rig, runner, BulkChange.Requeue, new(), 5, force: true);

        await runner.StepAsync(CancellationToken.None);

        Assert.Equal(5, await rig.CountAsync("tool_jobs WHERE status = 'queued'"));
    }

    [Fact]
    public async Task The_report_and_the_audit_row_distinguish_whole_partial_and_failed_results()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "1000"), ("TOOL_JOB_MAX_ATTEMPTS", "1"));
        await InsertAsync(rig, 4, "'search_web'", "'{}'", slot: "CASE WHEN n < 3 THEN 'kettle' END");
        var runner = Runner(rig);
        var change = await CreateAsync(rig, runner, BulkChange.Requeue, new(), 4);
        await runner.StepAsync(CancellationToken.None);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now(), max_attempts = 1 WHERE status = 'queued'");
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}", isPartial: true);
        await runner.SettleAsync(CancellationToken.None);
        Assert.Equal(("settling", 1), ((await FindAsync(rig, change)).State, (await FindAsync(rig, change)).Pending));

        await rig.Leases.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "boom", retryable: true);
        await runner.SettleAsync(CancellationToken.None);

        var done = await FindAsync(rig, change);
        Assert.Equal(("done", 3, 1), (done.State, done.Changed, done.Skipped));
        Assert.Equal((1, 1, 1, 0), (done.Whole, done.Partial, done.Failed, done.Pending));
        await using var audit = rig.Database.CreateCommand(
            "SELECT actor || ' ' || action || ' ' || target || ' ' || reason || ': ' || after FROM reliability.operator_audit");
        Assert.Equal(
            "ada dlq.requeue_all all the shop is back: 3 requeued, 1 skipped: 1 whole, 1 partial, 1 failed, 0 pending",
            (string?)await audit.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_replay_without_a_whole_result_stays_a_dead_letter_unless_a_turn_takes_it()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "1000"));
        await InsertAsync(rig, 3, "'search_web'", "'{}'");
        await rig.Get<DeadLetters>().RequeueAsync(new(), false, Ada, CancellationToken.None);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET available_at = now(), max_attempts = 3");
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}", isPartial: true);
        await rig.Leases.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "The circuit is open.", retryable: false);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET waiters = 1 WHERE status = 'queued'");
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}", isPartial: true);

        var letters = await rig.Get<DeadLetters>().ListAsync(new(), null, CancellationToken.None);

        Assert.Equal(
            [("partial_result", "A source failed: the result is partial.", 1, true), ("replay_failed", "The circuit is open.", 1, false)],
            letters.Select(letter => (letter.Reason, letter.Error, letter.ReplayCount, letter.LastReplayWasPartial!.Value)).Order());
        Assert.Equal(1, await rig.CountAsync("tool_jobs WHERE status = 'completed' AND is_partial"));
        Assert.Equal(2,
            await rig.CountAsync(
            "tool_jobs WHERE status = 'dead_letter' AND expires_at > now() + interval '6 days' AND jsonb_array_length(history) = 1"));
    }

    [Fact]
    public async Task A_change_needs_the_number_that_matches_and_can_be_cancelled_and_discards_in_steps()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_REPLAY_PER_SEC", "1"));
        await InsertAsync(rig, 1_500, "'search_web'", "'{}'");
        var runner = Runner(rig);
        var changes = Changes(rig, runner);

        Assert.Equal((null, 1_500), await changes.CreateAsync(BulkChange.Requeue, new(), 1_499, force: false, Ada, CancellationToken.None));
        Assert.Equal(
            (null, 0),
            await changes.CreateAsync(BulkChange.Requeue, new(Tool: "search_global"), 0, force: false, Ada, CancellationToken.None));
        Assert.Equal(0, await rig.CountAsync("operator_audit"));
        var requeue = await CreateAsync(rig, runner, BulkChange.Requeue, new(Tool: "search_web"), 1_500);
        await runner.StepAsync(CancellationToken.None);
        Assert.True(await changes.CancelAsync(requeue, CancellationToken.None));
        Assert.False(await changes.CancelAsync(requeue, CancellationToken.None));
        Assert.Equal(
            ("settling", true, 2),
            ((await FindAsync(rig, requeue)).State, (await FindAsync(rig, requeue)).Cancelled, (await FindAsync(rig, requeue)).Pending));

        var discard = await CreateAsync(rig, runner, BulkChange.Discard, new() { Principal = "user:1" }, 1_498);
        await runner.StepAsync(CancellationToken.None);
        Assert.Equal(("running", 1_000), ((await FindAsync(rig, discard)).State, (await FindAsync(rig, discard)).Changed));
        await runner.StepAsync(CancellationToken.None);

        Assert.Equal(("done", 1_498), ((await FindAsync(rig, discard)).State, (await FindAsync(rig, discard)).Changed));
        Assert.Equal(
            (0, 1_498),
            (await rig.CountAsync("tool_jobs WHERE status = 'dead_letter'"), await rig.CountAsync("tool_jobs WHERE status = 'cancelled'")));
        Assert.Equal([discard, requeue], (await changes.ListAsync(null, 10, CancellationToken.None)).Select(change => change.Id));
    }

    private BulkRunner Runner(QueueRig rig) => new(
        rig.Get<LaneCatalog>(), rig.Database, rig.Get<IOptionsMonitor<ToolJobOptions>>(),
        lane => lane == QueuedTool.SearchProducts.Lane ? _obstacle : null,
        rig.Get<OutboxPublisher>(), TimeProvider.System, rig.Get<StoreOutages>(), NullLogger<BulkRunner>.Instance);

    private static BulkChanges Changes(QueueRig rig, BulkRunner runner) => new(rig.Get<RequestDatabase>(), runner);

    private static async Task<Guid> CreateAsync(
        QueueRig rig, BulkRunner runner, string action, DeadLetterFilter filter, int matching, bool force = false)
    {
        var (created, matched) = await Changes(rig, runner).CreateAsync(action, filter, matching, force, Ada, CancellationToken.None);
        Assert.Equal(matching, matched);
        return created!.Id;
    }

    private async Task<BulkChange> FindAsync(QueueRig rig, Guid change) =>
        (await Changes(rig, Runner(rig)).FindAsync(change, CancellationToken.None))!;

    /// <returns>The id of the last letter.</returns>
    private static async Task<Guid> InsertAsync(
        QueueRig rig, int count, string tool, string arguments, string principal = "'user:1'", string age = "'1 minute'",
        string slot = "NULL::text")
    {
        await using var command = rig.Database.CreateCommand(
            $"""
            INSERT INTO reliability.tool_jobs (id, tool, qos_class, principal, args, cache_namespace, cache_key, status, attempts,
                max_attempts, available_at, fair_at, announced_at, created_at, updated_at, completed_at, expires_at, dead_letter_at,
                dead_letter_reason, last_error, error_fingerprint)
            SELECT gen_random_uuid(), {tool}, 'realtime', {principal}, {arguments}, CASE WHEN {slot} IS NOT NULL THEN 'search_web_v1' END,
                {slot}, 'dead_letter', 1, 1, now(), now(), now(), now(), now(), now(), now() + interval '7 days',
                now() - interval {age} + n * interval '1 millisecond', 'attempts_exhausted', 'HTTP 503', '0123456789ab'
            FROM generate_series(1, {count}) AS n RETURNING id
            """);
        return (Guid)(await command.ExecuteScalarAsync())!;
    }
}
