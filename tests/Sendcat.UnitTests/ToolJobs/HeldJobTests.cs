using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.ToolJobs;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class HeldJobTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Work_is_dropped_when_its_lease_runs_out_though_the_record_says_nothing()
    {
        using var job = Hold();

        _time.Advance(Lease - TimeSpan.FromMilliseconds(1));
        Assert.True(job.IsHeld);
        Assert.False(job.Token.IsCancellationRequested);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(job.IsHeld);
        Assert.True(job.Token.IsCancellationRequested);
    }

    [Fact]
    public void A_renewal_counts_from_when_it_was_asked_for()
    {
        using var job = Hold();

        _time.Advance(TimeSpan.FromSeconds(15));
        var asked = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(5));
        job.Renewed(asked, Lease);

        _time.Advance(TimeSpan.FromSeconds(39));
        Assert.False(job.Token.IsCancellationRequested);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(job.Token.IsCancellationRequested);
    }

    [Fact]
    public void A_lease_counts_from_when_its_claim_was_asked_for()
    {
        var asked = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(40));
        using var late = Hold(asked);
        Assert.True(late.IsHeld);

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(late.Token.IsCancellationRequested);
        using var tooLate = Hold(asked);
        Assert.False(tooLate.IsHeld);
    }

    private HeldJob Hold(long? asked = null)
    {
        var claimed = new LeasedJob(new(ToolLane.SearchWeb, Guid.CreateVersion7(), Token: 1, Attempt: 1), "user:ann", "{}", Cache: null, Trace: default, Waited: TimeSpan.Zero, Lease);
        var holder = new HeldJobs(leases: null!, signals: null!, options: null!, _time, NullLogger<HeldJobs>.Instance);
        return holder.Hold(claimed, asked ?? _time.GetTimestamp(), TimeSpan.FromMinutes(2), CancellationToken.None);
    }
}
