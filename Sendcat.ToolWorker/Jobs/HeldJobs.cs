using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>The jobs that this process works on: their leases are renewed together, three times as often as needed and soon again when that fails, and who has lost his is told.</summary>
internal sealed class HeldJobs(ToolJobLeases claims, ToolJobSignals signals, IOptionsMonitor<ToolJobOptions> options, TimeProvider time, ILogger<HeldJobs> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<Guid, HeldJob> _jobs = [];

    /// <param name="job">Freshly claimed.</param>
    /// <param name="asked">When its claim was asked for.</param>
    /// <param name="longest">After this the work is given up.</param>
    public HeldJob Hold(LeasedJob job, long asked, TimeSpan longest, CancellationToken stopping)
    {
        var held = new HeldJob(this, job, asked, longest, time, stopping);
        _jobs[job.Claim.Id] = held;
        return held;
    }

    internal void LetGo(HeldJob job) => _jobs.TryRemove(new(job.Claim.Id, job));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var word = signals.OnCancelled(id =>
        {
            if (_jobs.TryGetValue(id, out var job))
            {
                job.Lose();
            }
        });

        for (var renewed = true; !stoppingToken.IsCancellationRequested;)
        {
            var lease = TimeSpan.FromMilliseconds(options.CurrentValue.LeaseMs);
            await Task.Delay(renewed ? lease / 3 : lease / 30, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            renewed = await RenewAsync(lease, stoppingToken);
        }
    }

    /// <returns>False: the record did not answer. Another connection may, before the lease is over.</returns>
    private async Task<bool> RenewAsync(TimeSpan lease, CancellationToken cancellationToken)
    {
        var (jobs, asked) = (_jobs.Values.ToArray(), time.GetTimestamp());
        if (jobs.Length == 0 || cancellationToken.IsCancellationRequested)
        {
            return true;
        }

        using var patience = new CancellationTokenSource(lease / 6, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var ours = await claims.RenewAsync(jobs.Select(job => job.Claim).ToArray(), either.Token);
            foreach (var job in jobs)
            {
                if (ours.Contains(job.Claim.Id))
                {
                    job.Renewed(asked, lease);
                }
                else
                {
                    job.Lose();
                }
            }

            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            logger.RenewalFailed(jobs.Length, exception.Message);
            return false;
        }
    }
}

/// <summary>A job in work. Dispose it when the work has ended.</summary>
internal sealed class HeldJob : IDisposable
{
    private readonly HeldJobs _holder;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _longest;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationTokenSource _any;
    private (long Since, TimeSpan Lease) _leased;

    public HeldJob(HeldJobs holder, LeasedJob job, long asked, TimeSpan longest, TimeProvider time, CancellationToken stopping)
    {
        (_holder, _time, Claim) = (holder, time, job.Claim);
        _leased = (asked, job.Lease);

        // Rings by itself: a process that was stopped, or kept from the record, drops its work as soon as it may be another's.
        _lost = new(Rest(asked, job.Lease), time);
        _longest = new(longest, time);
        _any = CancellationTokenSource.CreateLinkedTokenSource(_lost.Token, _longest.Token, stopping);
    }

    public JobLease Claim { get; }

    /// <summary>Stop working: for whatever reason.</summary>
    public CancellationToken Token => _any.Token;

    /// <summary>The job was cancelled, or belongs to another worker by now, or may.</summary>
    public bool IsLost => _lost.IsCancellationRequested;

    public bool TookTooLong => _longest.IsCancellationRequested;

    /// <summary>By this process's own clock; the record has the last word. False after a stop that outlasted the lease.</summary>
    public bool IsOurs
    {
        get
        {
            lock (_lost)
            {
                return !IsLost && _time.GetElapsedTime(_leased.Since) < _leased.Lease;
            }
        }
    }

    public void Renewed(long since, TimeSpan lease)
    {
        lock (_lost)
        {
            _leased = (since, lease);
        }

        try
        {
            _lost.CancelAfter(Rest(since, lease));
        }
        catch (ObjectDisposedException)
        {
            // It ended at the same moment.
        }
    }

    public void Lose()
    {
        try
        {
            _lost.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended at the same moment.
        }
    }

    public void Dispose()
    {
        _holder.LetGo(this);
        _any.Dispose();
        _longest.Dispose();
        _lost.Dispose();
    }

    private TimeSpan Rest(long since, TimeSpan lease) => TimeSpan.FromTicks(Math.Max(0, (lease - _time.GetElapsedTime(since)).Ticks));
}
