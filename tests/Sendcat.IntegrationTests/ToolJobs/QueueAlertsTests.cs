using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Alerts of the tool queue: deduplication in a cooldown, clearing, and one check by all replicas together.</summary>
public sealed class QueueAlertsTests(SharedStores stores)
{
    private static readonly QueueState Normal = new(0, 0, TimeSpan.Zero, TimeSpan.Zero);
    private static readonly QueueState Overloaded = Normal with { Queued = 201 };

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 1, 0, TimeSpan.Zero));

    [Fact]
    public async Task An_alert_of_a_kind_is_raised_once_per_cooldown()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var alerts = Alerts(rig, () => Overloaded);

        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Created);
        _time.Advance(TimeSpan.FromMinutes(13));
        Assert.Equal(0, (await alerts.CheckAsync(CancellationToken.None)).Created);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Created);

        var raised = await alerts.ListAsync(null, 10, CancellationToken.None);
        Assert.Equal(["queued_depth|1777637700000", "queued_depth|1777636800000"], raised.Select(alert => alert.AlertKey));
        Assert.All(
            raised,
            alert => Assert.Equal(
                (201, 200, 5, TimeSpan.FromDays(14)),
                (alert.Observed, alert.Threshold, alert.WindowMinutes, alert.ExpiresAt - alert.CreatedAt)));
    }

    [Fact]
    public async Task An_alert_is_cleared_when_its_cause_ends_and_reopened_in_the_same_cooldown()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var state = Overloaded;
        var alerts = Alerts(rig, () => state);
        await alerts.CheckAsync(CancellationToken.None);

        state = Normal;
        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Cleared);
        Assert.NotNull(Assert.Single(await alerts.ListAsync(null, 10, CancellationToken.None)).ClearedAt);

        state = Overloaded with { Queued = 400 };
        Assert.Equal(0, (await alerts.CheckAsync(CancellationToken.None)).Created);
        var reopened = Assert.Single(await alerts.ListAsync(null, 10, CancellationToken.None));
        Assert.Equal((null, 400L), (reopened.ClearedAt, reopened.Observed));
    }

    [Fact]
    public async Task One_of_all_replicas_checks_every_five_minutes()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var checks = 0;
        QueueAlerts[] replicas = [.. Enumerable.Range(0, 4).Select(_ => Alerts(rig, () =>
        {
            Interlocked.Increment(ref checks);
            return Overloaded;
        }))];

        Assert.Single(
            await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), check => check is not null);
        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.All(await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), Assert.Null);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(
            await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), check => check is not null);

        Assert.Equal(2, checks);
        Assert.Single(await replicas[0].ListAsync(null, 10, CancellationToken.None));
    }

    [Fact]
    public async Task Other_replicas_do_not_check_while_one_is_checking()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var (checking, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = Alerts(rig, async () =>
        {
            checking.SetResult();
            await release.Task;
            return Overloaded;
        });

        var first = slow.CheckIfDueAsync(CancellationToken.None);
        await checking.Task;
        Assert.Null(await Alerts(rig, () => Overloaded).CheckIfDueAsync(CancellationToken.None));
        release.SetResult();

        Assert.Equal(1, (await first)?.Created);
    }

    [Fact]
    public async Task Alerts_are_deleted_after_two_weeks()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var state = Overloaded;
        var alerts = Alerts(rig, () => state);
        await alerts.CheckAsync(CancellationToken.None);

        state = Normal;
        _time.Advance(TimeSpan.FromDays(14));
        await alerts.CheckAsync(CancellationToken.None);

        Assert.Empty(await alerts.ListAsync(null, 10, CancellationToken.None));
    }

    [Fact]
    public async Task A_replay_that_is_not_due_does_not_count_as_queued()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(
            stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "1"), ("TOOL_QUEUE_ALERT_MAX_QUEUED", "2"));
        for (var i = 0; i < 5; i++)
        {
            await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
            await rig.Leases.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "boom", retryable: true);
        }

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, new("ada"), CancellationToken.None);

        var depth = (await rig.Get<QueueAlerts>().EvaluateAsync(CancellationToken.None)).Single(finding => finding.Kind == "queued_depth");
        Assert.InRange(depth.Observed, 1, 2);
    }

    private QueueAlerts Alerts(QueueRig rig, Func<QueueState> state) => Alerts(rig, () => Task.FromResult(state()));

    private QueueAlerts Alerts(QueueRig rig, Func<Task<QueueState>> state) => new(
        _ => state(), rig.Database, rig.Get<IOptionsMonitor<ToolQueueAlertOptions>>(), _time, rig.Get<ReliabilityMetrics>(),
        NullLogger<QueueAlerts>.Instance);
}
