using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class WorkerSlotsTests
{
    [Fact]
    public async Task A_free_slot_goes_to_the_next_lane_of_the_schedule()
    {
        var slots = Slots(1);
        await slots.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);
        var batch = slots.AcquireAsync(ToolLane.SearchGlobal, CancellationToken.None);
        var web = slots.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);

        slots.Release();
        await batch;
        Assert.False(web.IsCompleted);

        slots.Release();
        await web;
    }

    [Fact]
    public async Task A_cancelled_wait_holds_no_slot()
    {
        var slots = Slots(1);
        await slots.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);
        using var cancellation = new CancellationTokenSource();
        var waiting = slots.AcquireAsync(ToolLane.SearchWeb, cancellation.Token);

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        slots.Release();

        Assert.True(slots.TryAcquire(ToolLane.SearchWeb));
        Assert.False(slots.TryAcquire(ToolLane.SearchWeb));
    }

    private static WorkerSlots Slots(int count) => new(new Fixed(new() { ToolJobMax = count }));

    private sealed class Fixed(BulkheadOptions options) : IOptionsMonitor<BulkheadOptions>
    {
        public BulkheadOptions CurrentValue => options;

        public BulkheadOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<BulkheadOptions, string?> listener) => null;
    }
}
