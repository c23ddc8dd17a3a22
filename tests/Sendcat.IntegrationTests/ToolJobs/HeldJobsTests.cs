using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.IntegrationTests.Reliability;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolJobs;

public sealed class HeldJobsTests(SharedStores stores)
{
    [Fact]
    public async Task A_renewal_that_hangs_is_given_up_and_made_anew_before_the_lease_is_over()
    {
        await using var rig = await QueueRig.RecordOnlyAsync(stores);
        var time = new FakeTimeProvider();
        using var held = new HeldJobs(rig.Claims, rig.Get<ToolJobSignals>(), rig.Get<IOptionsMonitor<ToolJobOptions>>(), time, NullLogger<HeldJobs>.Instance);
        var job = await rig.EnterAsync(QueuedTool.SearchWeb.Lane);
        var claimed = await rig.ClaimOneAsync(QueuedTool.SearchWeb.Lane);
        using var mine = held.Hold(claimed, time.GetTimestamp(), TimeSpan.FromHours(1), CancellationToken.None);
        var lease = await rig.ReadAsync<DateTime>("lease_expires_at", job);
        await using var hanging = await rig.Database.OpenConnectionAsync();
        await using var transaction = await hanging.BeginTransactionAsync();
        await using var locking = new NpgsqlCommand($"SELECT FROM reliability.tool_jobs WHERE id = '{job}' FOR UPDATE", hanging);
        await locking.ExecuteNonQueryAsync();
        await held.StartAsync(CancellationToken.None);

        await Until.TrueAsync(async () =>
        {
            time.Advance(claimed.LeaseDuration / 60);
            return await rig.CountWaitingAsync() == 1;
        });
        time.Advance(claimed.LeaseDuration / 6);
        await Until.TrueAsync(async () => await rig.CountWaitingAsync() == 0);
        await transaction.RollbackAsync();

        await Until.TrueAsync(async () =>
        {
            time.Advance(claimed.LeaseDuration / 60);
            return await rig.ReadAsync<DateTime>("lease_expires_at", job) > lease;
        });
        await held.StopAsync(CancellationToken.None);
    }
}
