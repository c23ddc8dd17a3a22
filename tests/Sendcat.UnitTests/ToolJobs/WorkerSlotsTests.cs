using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class WorkerSlotsTests
{
    [Fact]
    public async Task A_free_place_goes_to_the_lane_whose_turn_it_is()
    {
        var places = Places(1);
        await places.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);
        var batch = places.AcquireAsync(ToolLane.SearchGlobal, CancellationToken.None);
        var web = places.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);

        places.Release();
        await batch;
        Assert.False(web.IsCompleted);

        places.Release();
        await web;
    }

    [Fact]
    public async Task Who_gives_up_waiting_keeps_no_place()
    {
        var places = Places(1);
        await places.AcquireAsync(ToolLane.SearchWeb, CancellationToken.None);
        using var impatient = new CancellationTokenSource();
        var waiting = places.AcquireAsync(ToolLane.SearchWeb, impatient.Token);

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        places.Release();

        Assert.True(places.TryAcquire(ToolLane.SearchWeb));
        Assert.False(places.TryAcquire(ToolLane.SearchWeb));
    }

    private static WorkerSlots Places(int count) => new(new Fixed(new() { ToolJobMax = count }));

    private sealed class Fixed(BulkheadOptions options) : IOptionsMonitor<BulkheadOptions>
    {
        public BulkheadOptions CurrentValue => options;

        public BulkheadOptions Get(string? name) => options;

        public IDisposable? OnChange(Action<BulkheadOptions, string?> listener) => null;
    }
}
