using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class QueueAlertsTests(SharedStores stores)
{
    private static readonly QueueState Calm = new(0, 0, TimeSpan.Zero, TimeSpan.Zero);
    private static readonly QueueState Crowded = Calm with { Queued = 201 };

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 1, 0, TimeSpan.Zero));

    [Fact]
    public async Task A_kind_is_told_once_in_a_cool_down_and_again_in_the_next()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var alerts = Alerts(rig, () => Crowded);

        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Created);
        _time.Advance(TimeSpan.FromMinutes(13));
        Assert.Equal(0, (await alerts.CheckAsync(CancellationToken.None)).Created);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Created);

        var told = await alerts.ListAsync(null, 10, CancellationToken.None);
        Assert.Equal(["queued_depth|1777637700000", "queued_depth|1777636800000"], told.Select(alert => alert.AlertKey));
        Assert.All(told, alert => Assert.Equal((201, 200, 5, TimeSpan.FromDays(14)), (alert.Observed, alert.Threshold, alert.WindowMinutes, alert.ExpiresAt - alert.CreatedAt)));
    }

    [Fact]
    public async Task It_is_cleared_when_it_is_over_and_comes_back_without_a_new_alert_in_the_same_cool_down()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var state = Crowded;
        var alerts = Alerts(rig, () => state);
        await alerts.CheckAsync(CancellationToken.None);

        state = Calm;
        Assert.Equal(1, (await alerts.CheckAsync(CancellationToken.None)).Cleared);
        Assert.NotNull(Assert.Single(await alerts.ListAsync(null, 10, CancellationToken.None)).ClearedAt);

        state = Crowded with { Queued = 400 };
        Assert.Equal(0, (await alerts.CheckAsync(CancellationToken.None)).Created);
        var again = Assert.Single(await alerts.ListAsync(null, 10, CancellationToken.None));
        Assert.Equal((null, 400L), (again.ClearedAt, again.Observed));
    }

    [Fact]
    public async Task Of_many_replicas_one_judges_and_the_next_five_minutes_later()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var looked = 0;
        QueueAlerts[] replicas = [.. Enumerable.Range(0, 4).Select(_ => Alerts(rig, () =>
        {
            Interlocked.Increment(ref looked);
            return Crowded;
        }))];

        Assert.Single(await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), check => check is not null);
        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.All(await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), Assert.Null);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(await Task.WhenAll(replicas.Select(replica => replica.CheckIfDueAsync(CancellationToken.None))), check => check is not null);

        Assert.Equal(2, looked);
        Assert.Single(await replicas[0].ListAsync(null, 10, CancellationToken.None));
    }

    [Fact]
    public async Task A_replica_that_judges_keeps_the_others_out()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var (judging, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = Alerts(rig, async () =>
        {
            judging.SetResult();
            await go.Task;
            return Crowded;
        });

        var first = slow.CheckIfDueAsync(CancellationToken.None);
        await judging.Task;
        Assert.Null(await Alerts(rig, () => Crowded).CheckIfDueAsync(CancellationToken.None));
        go.SetResult();

        Assert.Equal(1, (await first)?.Created);
    }

    [Fact]
    public async Task After_two_weeks_they_are_forgotten()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var state = Crowded;
        var alerts = Alerts(rig, () => state);
        await alerts.CheckAsync(CancellationToken.None);

        state = Calm;
        _time.Advance(TimeSpan.FromDays(14));
        await alerts.CheckAsync(CancellationToken.None);

        Assert.Empty(await alerts.ListAsync(null, 10, CancellationToken.None));
    }

    [Fact]
    public async Task A_replay_that_waits_for_its_time_worries_nobody()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_MAX_ATTEMPTS", "1"), ("TOOL_JOB_REPLAY_PER_SEC", "1"), ("TOOL_QUEUE_ALERT_MAX_QUEUED", "2"));
        for (var i = 0; i < 5; i++)
        {
            await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
            await rig.Claims.FailAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "boom", retryable: true);
        }

        await rig.Get<DeadLetters>().RequeueAsync(new(), dryRun: false, "ada", CancellationToken.None);

        var depth = (await rig.Get<QueueAlerts>().EvaluateAsync(CancellationToken.None)).Single(finding => finding.Kind == "queued_depth");
        Assert.InRange(depth.Observed, 1, 2);
    }

    private QueueAlerts Alerts(QueueRig rig, Func<QueueState> state) => Alerts(rig, () => Task.FromResult(state()));

    private QueueAlerts Alerts(QueueRig rig, Func<Task<QueueState>> state) => new(
        _ => state(), rig.Database, rig.Get<IOptionsMonitor<ToolQueueAlertOptions>>(), _time, rig.Get<ReliabilityMetrics>(), NullLogger<QueueAlerts>.Instance);
}
