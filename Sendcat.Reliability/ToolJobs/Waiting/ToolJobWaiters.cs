using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs.Waiting;

/// <summary>
/// Wakes the turns of this process whose jobs have finished. After signals it reads all signalled jobs with one query. Independently of
/// signals it polls Postgres for all awaited jobs with one query: every two seconds, or every <c>TOOL_JOB_POLL_MS</c> while signals are
/// unavailable. Frequent signals do not delay the poll.
/// </summary>
public sealed class ToolJobWaiters(
    ToolJobLedger ledger, ToolJobSignals signals, IOptionsMonitor<ToolJobOptions> options, TimeProvider time, StoreOutages outages,
    ILogger<ToolJobWaiters> logger) : BackgroundService
{
    private const string Work = "Reading of awaited tool jobs";

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Guid, Waiting> _waiting = [];
    private readonly ConcurrentQueue<Guid> _signalled = [];
    private readonly AutoResetSignal _wake = new(time);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    /// <summary>Registers a wait for the job. The caller must dispose it, whether the job has finished or not.</summary>
    /// <param name="look">True: the job may have finished already, so its state is read at once.</param>
    internal Wait Begin(Guid job, bool look)
    {
        while (true)
        {
            var waiting = _waiting.GetOrAdd(job, _ => new());
            if (waiting.TryJoin())
            {
                if (look)
                {
                    EnqueueSignalled(job);
                }

                return new(this, job, waiting);
            }

            _waiting.TryRemove(new(job, waiting));
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = signals.OnFinished((_, jobs) =>
        {
            foreach (var job in jobs)
            {
                if (_waiting.ContainsKey(job))
                {
                    EnqueueSignalled(job);
                }
            }
        });

        var (polledAt, readFailed) = (time.GetTimestamp(), false);
        await new BackgroundLoop(Work, logger, time).RepeatAsync(RoundAsync, stoppingToken);

        async Task RoundAsync(CancellationToken cancellationToken)
        {
            var poll = TimeSpan.FromMilliseconds(options.CurrentValue.PollMs);
            var remaining = (signals.IsUp && poll < PollInterval ? PollInterval : poll) - time.GetElapsedTime(polledAt);
            var signalled = !readFailed && remaining > TimeSpan.Zero && await _wake.WaitAsync(remaining, cancellationToken);

            // The signalled jobs of this round are no longer queued: when it fails, the next round reads all awaited jobs.
            readFailed = true;
            var signalledJobs = TakeSignalled();
            var jobs = signalled ? signalledJobs : [.. _waiting.Keys];
            if (jobs.Count > 0 && !await TryReadAsync(jobs, attributable: signalled, cancellationToken))
            {
                await Task.Delay(poll, time, cancellationToken);
                return;
            }

            (polledAt, readFailed) = (signalled ? polledAt : time.GetTimestamp(), false);
        }
    }

    /// <inheritdoc cref="ReadAsync"/>
    /// <returns>False: Postgres is unavailable.</returns>
    private async Task<bool> TryReadAsync(IReadOnlyCollection<Guid> jobs, bool attributable, CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(jobs, attributable, cancellationToken);
            _outage.Ends();
            return true;
        }
        catch (Exception exception) when (PostgresFailure.IsOrCancelled(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_outage.Begins(exception))
            {
                logger.WaitersNotRead(exception.Message);
            }

            return false;
        }
    }

    /// <param name="attributable">
    /// True: the jobs were signalled, so the read belongs to the traces of their waiters. False: a poll of all jobs, which belongs to no
    /// trace.
    /// </param>
    private async Task ReadAsync(IReadOnlyCollection<Guid> jobs, bool attributable, CancellationToken cancellationToken)
    {
        using var span = attributable
            ? SharedWork.Start("read finished jobs", jobs.Select(job => _waiting.GetValueOrDefault(job)?.Waiter))
            : null;
        foreach (var finished in await ledger.ReadFinishedAsync(jobs, cancellationToken))
        {
            if (_waiting.TryGetValue(finished.Id, out var waiting))
            {
                waiting.Finished.TrySetResult(finished);
            }
        }
    }

    private void EnqueueSignalled(Guid job)
    {
        _signalled.Enqueue(job);
        _wake.Set();
    }

    private HashSet<Guid> TakeSignalled()
    {
        var jobs = new HashSet<Guid>();
        while (_signalled.TryDequeue(out var job))
        {
            if (_waiting.ContainsKey(job))
            {
                jobs.Add(job);
            }
        }

        return jobs;
    }

    internal sealed class Wait(ToolJobWaiters waiters, Guid job, Waiting waiting) : IDisposable
    {
        public Task<FinishedJob> Finished => waiting.Finished.Task;

        /// <summary>Puts the span of the read of the result into the trace of the current span.</summary>
        public void Trace() => waiting.Waiter = Activity.Current;

        public void Dispose()
        {
            if (waiting.Leave())
            {
                waiters._waiting.TryRemove(new(job, waiting));
            }
        }
    }

    /// <summary>The turns of this process that wait for one job.</summary>
    internal sealed class Waiting
    {
        private int _turns;

        /// <summary>The span of the turn that registered its wait last.</summary>
        public Activity? Waiter { get; set; }

        public TaskCompletionSource<FinishedJob> Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <returns>False: the last waiting turn has just left, and the object must not be used again.</returns>
        public bool TryJoin()
        {
            lock (Finished)
            {
                if (_turns < 0)
                {
                    return false;
                }

                _turns++;
                return true;
            }
        }

        /// <returns>True: no turn waits any more.</returns>
        public bool Leave()
        {
            lock (Finished)
            {
                _turns = _turns == 1 ? -1 : _turns - 1;
                return _turns < 0;
            }
        }
    }
}
