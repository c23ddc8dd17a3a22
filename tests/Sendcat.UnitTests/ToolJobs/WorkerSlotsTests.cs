using Microsoft.Extensions.Options;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class WorkerSlotsTests
{
    [Fact]
    public async Task A_slot_that_becomes_free_goes_to_the_most_urgent_lane_although_another_waits_longer()
    {
        var slots = Slots(1);
        await slots.AcquireAsync(QueuedTool.SearchWeb.Lane, CancellationToken.None);
        var batch = slots.AcquireAsync(QueuedTool.SearchGlobal.Lane, CancellationToken.None);
        var web = slots.AcquireAsync(QueuedTool.SearchWeb.Lane, CancellationToken.None);

        slots.Release();
        await web;
        Assert.False(batch.IsCompleted);

        slots.Release();
        await batch;
    }

    [Fact]
    public async Task A_cancelled_wait_holds_no_slot()
    {
        var slots = Slots(1);
        await slots.AcquireAsync(QueuedTool.SearchWeb.Lane, CancellationToken.None);
        using var cancellation = new CancellationTokenSource();
        var waiting = slots.AcquireAsync(QueuedTool.SearchWeb.Lane, cancellation.Token);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        slots.Release();

        Assert.True(slots.TryAcquire(QueuedTool.SearchWeb.Lane));
        Assert.False(slots.TryAcquire(QueuedTool.SearchWeb.Lane));
    }

    private static WorkerSlots Slots(int count) => new(new Fixed(new() { ToolJobMax = count }));

    private sealed class Fixed(BulkheadOptions options) : IOptionsMonitor<BulkheadOptions>
    {
        public BulkheadOptions CurrentValue => options;

        public BulkheadOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<BulkheadOptions, string?> listener) => null;
    }
}
