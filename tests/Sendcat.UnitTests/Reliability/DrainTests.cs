using Sendcat.Reliability.Snapshot;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Reliability;

/// <summary>The drain of a process, and what its leases contain.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task A_drain_cancels_what_waits_for_work_until_it_is_resumed()
    {
        using var drain = new Drain();
        var first = drain.Token;
        Assert.True(drain.WaitUntilResumedAsync(TestContext.Current.CancellationToken).IsCompletedSuccessfully);

        Assert.True(drain.Begin());
        Assert.False(drain.Begin());
        var waiting = drain.WaitUntilResumedAsync(TestContext.Current.CancellationToken);

        Assert.Equal((true, true, false), (drain.IsOn, first.IsCancellationRequested, waiting.IsCompleted));
        Assert.True(drain.End());
        Assert.False(drain.End());
        await waiting;
        Assert.Equal((false, false), (drain.IsOn, drain.Token.IsCancellationRequested));
    }

    [Fact]
    public void Permits_are_the_bulkheads_among_the_leases() => Assert.Equal(
        [("ebay_search", 1), ("openrouter_chat_primary", 2)],
        Processes.Permits(
            (RedisValue[])["admission:inflight:global\nbulkhead:openrouter_chat_primary", "bulkhead:openrouter_chat_primary",
            "bulkhead:ebay_search"])
            .Select(permit => (permit.Key, permit.Value)).Order());
}
