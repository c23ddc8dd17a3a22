using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>The renewal of leases of running jobs. Every poll also advances the fake clock, on which the renewals run.</summary>
public sealed class HeldJobsTests(SharedStores stores)
{
    [Fact]
    public async Task A_hanging_renewal_times_out_and_is_repeated_before_the_lease_expires()
    {
        await using var rig = await QueueRig.DatabaseOnlyAsync(stores);
        var time = new FakeTimeProvider();
        using var held = new HeldJobs(
            rig.Leases, rig.Get<ToolJobSignals>(), rig.Get<IOptionsMonitor<ToolJobOptions>>(), time, rig.Get<StoreOutages>(),
            NullLogger<HeldJobs>.Instance);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var claimed = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
        using var heldJob = held.Hold(claimed, time.GetTimestamp(), TimeSpan.FromHours(1), CancellationToken.None);
        var expiry = await rig.ReadAsync<DateTime>("lease_expires_at", job);
        await using var hanging = await rig.Database.OpenConnectionAsync();
        await using var transaction = await hanging.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand("LOCK TABLE reliability.tool_jobs IN SHARE MODE", hanging);
        await locking.ExecuteNonQueryAsync();
        await held.StartAsync(CancellationToken.None);

        await Eventually.TrueAsync(async () =>
        {
            time.Advance(claimed.LeaseDuration / 60);
            return await rig.CountLockWaitsAsync() == 1;
        });
        time.Advance(claimed.LeaseDuration / 6);
        await Eventually.TrueAsync(async () => await rig.CountLockWaitsAsync() == 0);
        await transaction.RollbackAsync();

        await Eventually.TrueAsync(async () =>
        {
            time.Advance(claimed.LeaseDuration / 60);
            return await rig.ReadAsync<DateTime>("lease_expires_at", job) > expiry;
        });
        await held.StopAsync(CancellationToken.None);
    }
}
