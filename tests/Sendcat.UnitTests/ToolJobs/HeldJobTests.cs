using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class HeldJobTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Work_is_cancelled_when_its_lease_expires_without_a_response_from_Postgres()
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
    public void A_renewed_lease_starts_when_the_renewal_was_requested()
    {
        using var job = Hold();

        _time.Advance(TimeSpan.FromSeconds(15));
        var requestedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(5));
        job.Renewed(requestedAt, Lease);

        _time.Advance(TimeSpan.FromSeconds(39));
        Assert.False(job.Token.IsCancellationRequested);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(job.Token.IsCancellationRequested);
    }

    [Fact]
    public void A_lease_starts_when_the_job_was_requested()
    {
        var requestedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(40));
        using var late = Hold(requestedAt);
        Assert.True(late.IsHeld);

        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(late.Token.IsCancellationRequested);
        using var tooLate = Hold(requestedAt);
        Assert.False(tooLate.IsHeld);
    }

    private HeldJob Hold(long? requestedAt = null)
    {
        var claimed = new LeasedJob(new(QueuedTool.SearchWeb.Lane, Guid.CreateVersion7(), Token: 1, Attempt: 1), "user:ann", "{}", Cache: null, Trace: default, Waited: TimeSpan.Zero, Lease);
        var holder = new HeldJobs(
            leases: null!, signals: null!, options: null!, _time, StoreOutagesFeature.Create(NullLogger.Instance, _time),
            NullLogger<HeldJobs>.Instance);
        return holder.Hold(claimed, requestedAt ?? _time.GetTimestamp(), TimeSpan.FromMinutes(2), CancellationToken.None);
    }
}
