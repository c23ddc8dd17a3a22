using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The polling of Postgres for finished jobs, in case a signal is lost.</summary>
public sealed class ToolJobWaitersTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_finished_job_without_a_signal_is_found_despite_frequent_signals_of_other_jobs()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores, ("TOOL_JOB_POLL_MS", "1000"));
        var (unsignalled, other) = (await CompletedAsync(rig), await CompletedAsync(rig));
        var time = new FakeTimeProvider();
        using var waiters = new ToolJobWaiters(
            rig.Ledger, rig.Get<ToolJobSignals>(), rig.Get<IOptionsMonitor<ToolJobOptions>>(), time, rig.Get<StoreOutages>(),
            NullLogger<ToolJobWaiters>.Instance);
        using var waiting = waiters.Begin(unsignalled, look: false);
        await waiters.StartAsync(CancellationToken.None);

        // A signal of the other job arrives twice in every poll interval.
        for (var i = 0; i < 6; i++)
        {
            using (var signalled = waiters.Begin(other, look: true))
            {
                await signalled.Finished.WaitAsync(MaxWait);
            }

            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal("completed", (await waiting.Finished.WaitAsync(MaxWait)).Status);
        await waiters.StopAsync(CancellationToken.None);
    }

    private static async Task<Guid> CompletedAsync(QueueRig rig)
    {
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.Leases.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");
        return job;
    }
}
