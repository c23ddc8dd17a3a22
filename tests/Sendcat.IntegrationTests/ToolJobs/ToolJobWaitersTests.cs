using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class ToolJobWaitersTests(SharedStores stores)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_job_whose_end_nobody_told_is_found_however_much_word_comes_of_others()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores, ("TOOL_JOB_POLL_MS", "1000"));
        var (untold, other) = (await EndedAsync(rig), await EndedAsync(rig));
        var time = new FakeTimeProvider();
        using var waiters = new ToolJobWaiters(rig.Ledger, rig.Get<ToolJobSignals>(), rig.Get<IOptionsMonitor<ToolJobOptions>>(), time, NullLogger<ToolJobWaiters>.Instance);
        using var waiting = waiters.Begin(untold, look: false);
        await waiters.StartAsync(CancellationToken.None);

        // Word comes twice in the time after which waiters look for themselves.
        for (var i = 0; i < 6; i++)
        {
            using (var told = waiters.Begin(other, look: true))
            {
                await told.Finished.WaitAsync(Patience);
            }

            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.Equal("completed", (await waiting.Finished.WaitAsync(Patience)).Status);
        await waiters.StopAsync(CancellationToken.None);
    }

    private static async Task<Guid> EndedAsync(QueueRig rig)
    {
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        await rig.Claims.CompleteAsync((await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane)).Lease, "{}");
        return job;
    }
}
