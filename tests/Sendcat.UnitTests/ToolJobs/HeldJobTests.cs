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

    [Fact]
    public async Task A_request_is_sent_at_once_while_half_of_the_lease_is_left()
    {
        using var job = Hold();
        _time.Advance(Lease / 2);

        await job.EnsureAsync(CancellationToken.None);

        Assert.True(job.IsHeld);
    }

    [Fact]
    public async Task A_request_waits_for_a_renewal_when_less_than_half_of_the_lease_is_left()
    {
        using var job = Hold();
        _time.Advance((Lease / 2) + TimeSpan.FromMilliseconds(1));

        var request = job.EnsureAsync(CancellationToken.None);
        Assert.False(request.IsCompleted);

        job.Renewed(_time.GetTimestamp(), Lease);
        await request;
        Assert.True(job.IsHeld);
    }

    [Fact]
    public async Task No_request_is_sent_when_the_lease_expires_without_a_renewal()
    {
        using var job = Hold();
        _time.Advance((Lease / 2) + TimeSpan.FromMilliseconds(1));
        var request = job.EnsureAsync(CancellationToken.None);

        _time.Advance(Lease / 2);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => job.EnsureAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_request_that_waits_for_a_renewal_can_be_cancelled_alone()
    {
        using var job = Hold();
        _time.Advance((Lease / 2) + TimeSpan.FromMilliseconds(1));
        using var timeout = new CancellationTokenSource();
        var request = job.EnsureAsync(timeout.Token);

        await timeout.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.True(job.IsHeld);
    }

    private HeldJob Hold(long? requestedAt = null)
    {
        var claimed = new LeasedJob(
            new(QueuedTool.SearchWeb.Lane, Guid.CreateVersion7(), Token: 1, Attempt: 1), "user:ann", "{}", Cache: null, Trace: default,
            Waited: TimeSpan.Zero, Lease);
        var holder = new HeldJobs(
            leases: null!, signals: null!, options: null!, _time, StoreOutagesFeature.Create(NullLogger.Instance, _time),
            NullLogger<HeldJobs>.Instance);
        return holder.Hold(claimed, requestedAt ?? _time.GetTimestamp(), TimeSpan.FromMinutes(2), CancellationToken.None);
    }
}
