using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.IntegrationTests.Reliability;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class SweeperTests(SharedStores stores)
{
    [Fact]
    public async Task A_broker_that_does_not_answer_for_one_lane_holds_up_neither_another_nor_the_rescue()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var (time, asked) = (new FakeTimeProvider(), 0);
        var silent = new ToolJobBroker(
            async token =>
            {
                Interlocked.Increment(ref asked);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, token);
                throw new InvalidOperationException();
            },
            time);
        using var sweeper = new Sweeper(
            rig.Get<LaneCatalog>(), new(rig.Get<LaneCatalog>(), rig.Database, rig.Get<IOptionsMonitor<ToolJobOptions>>(), rig.Get<ToolJobSignals>()), silent, rig.Get<OutboxPublisher>(), time, rig.Get<ToolJobMetrics>(), NullLogger<Sweeper>.Instance);
        await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.EnterAsync(QueuedTool.SearchProducts.Lane);
        await rig.ExecuteAsync("UPDATE reliability.tool_jobs SET announced_at = now() - interval '1 minute'");
        await sweeper.StartAsync(CancellationToken.None);

        await Until.TrueAsync(() => Later() && Volatile.Read(ref asked) == 2);
        var job = await rig.EnterAsync(QueuedTool.SearchGlobal.Lane);
        await rig.ClaimOneAsync(QueuedTool.SearchGlobal.Lane);
        await rig.ExpireLeaseAsync(job);

        await Until.TrueAsync(async () => Later() && await rig.ReadAsync<string>("status", job) == "queued");
        await sweeper.StopAsync(CancellationToken.None);

        bool Later()
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return true;
        }
    }
}
