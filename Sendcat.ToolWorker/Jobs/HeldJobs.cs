using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// The jobs that this process is running. It renews their leases together, every third of the lease duration and every thirtieth after a
/// failure, and cancels the work of a job whose lease is lost. A job whose lease is half over requests a renewal at once.
/// </summary>
internal sealed class HeldJobs(
    ToolJobLeases leases, ToolJobSignals signals, IOptionsMonitor<ToolJobOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<HeldJobs> logger) : BackgroundService
{
    private const string Work = "Renewal of leases";

    private readonly ConcurrentDictionary<Guid, HeldJob> _jobs = [];
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private readonly AutoResetSignal _renewalRequested = new(time);

    public int Count => _jobs.Count;

    /// <summary>Adds a job and starts the timers of its lease and of its maximum duration.</summary>
    /// <param name="job">A newly claimed job.</param>
    /// <param name="claimStartedAt">Timestamp (<see cref="TimeProvider.GetTimestamp"/>) from before the claim statement.</param>
    /// <param name="maxDuration">Time after which the work is cancelled.</param>
    public HeldJob Hold(LeasedJob job, long claimStartedAt, TimeSpan maxDuration, CancellationToken stopping)
    {
        var held = new HeldJob(this, job, claimStartedAt, maxDuration, time, stopping);
        _jobs[job.Lease.Id] = held;
        return held;
    }

    internal void RequestRenewal() => _renewalRequested.Set();

    internal void Remove(HeldJob job) => _jobs.TryRemove(new(job.Lease.Id, job));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = signals.OnCancelled(id =>
        {
            if (_jobs.TryGetValue(id, out var job))
            {
                job.MarkLost();
            }
        });

        var renewed = true;
        await new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                var lease = TimeSpan.FromMilliseconds(options.CurrentValue.LeaseMs);
                await _renewalRequested.WaitAsync(renewed ? lease / 3 : lease / 30, cancellationToken);
                renewed = false;
                renewed = await RenewAsync(lease, cancellationToken);
            },
            stoppingToken);
    }

    /// <returns>
    /// False: Postgres did not respond, or a row was locked. A new attempt, over another connection, may succeed before the lease expires.
    /// </returns>
    private async Task<bool> RenewAsync(TimeSpan lease, CancellationToken cancellationToken)
    {
        var (jobs, startedAt) = (_jobs.Values.ToArray(), time.GetTimestamp());
        if (jobs.Length == 0)
        {
            return true;
        }

        using var timeout = new CancellationTokenSource(lease / 6, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var valid = await leases.RenewAsync(jobs.Select(job => job.Lease).ToArray(), linked.Token);
            foreach (var job in jobs)
            {
                if (!valid.TryGetValue(job.Lease.Id, out var renewed))
                {
                    job.MarkLost();
                }
                else if (renewed)
                {
                    job.Renewed(startedAt, lease);
                }
            }

            _outage.Ends();
            return valid.Values.All(renewed => renewed);
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_outage.Begins(exception))
            {
                logger.RenewalFailed(jobs.Length, exception.Message);
            }

            return false;
        }
    }
}

/// <summary>A running job with its lease. Dispose it when the work has ended.</summary>
internal sealed class HeldJob : IDisposable
{
    private readonly HeldJobs _holder;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _timedOut;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationTokenSource _any;
    private (long Since, TimeSpan Lease) _leased;
    private TaskCompletionSource _renewed = NewRenewal();

    public HeldJob(HeldJobs holder, LeasedJob job, long claimStartedAt, TimeSpan maxDuration, TimeProvider time, CancellationToken stopping)
    {
        (_holder, _time, Lease) = (holder, time, job.Lease);
        _leased = (claimStartedAt, job.LeaseDuration);

        // Cancels by itself when the lease expires: a process that was suspended, or that cannot reach Postgres, stops its work as soon as
        // another worker may take the job.
        _lost = new(Remaining(claimStartedAt, job.LeaseDuration), time);
        _timedOut = new(maxDuration, time);
        _any = CancellationTokenSource.CreateLinkedTokenSource(_lost.Token, _timedOut.Token, stopping);
    }

    public JobLease Lease { get; }

    /// <summary>Cancelled when the work must stop: the lease is lost, the maximum duration has passed, or the worker stops.</summary>
    public CancellationToken Token => _any.Token;

    /// <summary>The job was cancelled, or another worker has taken it over or may have.</summary>
    public bool IsLost => _lost.IsCancellationRequested;

    public bool TimedOut => _timedOut.IsCancellationRequested;

    /// <summary>
    /// The lease has not expired according to this process's own clock. Postgres is authoritative. False after the process was suspended
    /// for longer than the lease.
    /// </summary>
    public bool IsHeld
    {
        get
        {
            lock (_lost)
            {
                return !IsLost && _time.GetElapsedTime(_leased.Since) < _leased.Lease;
            }
        }
    }

    /// <summary>The lease was renewed for <paramref name="lease"/>, counted from the timestamp <paramref name="since"/>.</summary>
    public void Renewed(long since, TimeSpan lease)
    {
        TaskCompletionSource renewed;
        lock (_lost)
        {
            _leased = (since, lease);
            (renewed, _renewed) = (_renewed, NewRenewal());
        }

        try
        {
            _lost.CancelAfter(Remaining(since, lease));
        }
        catch (ObjectDisposedException)
        {
            // The job has ended at the same moment.
        }

        renewed.SetResult();
    }

    /// <summary>Cancels the work because the lease is lost.</summary>
    public void MarkLost()
    {
        try
        {
            _lost.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The job has ended at the same moment.
        }
    }

    /// <summary>
    /// Completes when at least half of the lease is left by the clock; otherwise it waits for a renewal first. Renewals are due after a
    /// third of the lease, so less is left only when they are late.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// The lease is lost, also when the timer that cancels the work has not fired yet.
    /// </exception>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task renewal;
            lock (_lost)
            {
                if (_time.GetElapsedTime(_leased.Since) <= _leased.Lease / 2)
                {
                    return;
                }

                renewal = _renewed.Task;
            }

            if (!IsHeld)
            {
                MarkLost();
                throw new OperationCanceledException(Token);
            }

            _holder.RequestRenewal();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(Token, cancellationToken);
            await renewal.WaitAsync(either.Token);
        }
    }

    public void Dispose()
    {
        _holder.Remove(this);
        _any.Dispose();
        _timedOut.Dispose();
        _lost.Dispose();
    }

    private static TaskCompletionSource NewRenewal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TimeSpan Remaining(long since, TimeSpan lease) => TimeSpan.FromTicks(Math.Max(0, (lease - _time.GetElapsedTime(since)).Ticks));
}
