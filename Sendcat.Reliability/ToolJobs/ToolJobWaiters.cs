using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Wakes the turns of this process whose jobs are over. Word of it comes by signal; then all jobs that were named are read together. As a safety net the record is asked
/// about all waiting jobs in one question: every two seconds, or every <c>TOOL_JOB_POLL_MS</c> while signals do not arrive, however often word comes in between.
/// </summary>
public sealed class ToolJobWaiters(
    ToolJobLedger ledger, ToolJobSignals signals, IOptionsMonitor<ToolJobOptions> options, TimeProvider time, ILogger<ToolJobWaiters> logger) : BackgroundService
{
    private static readonly TimeSpan SafetyNet = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<Guid, Waiting> _waiting = [];
    private readonly ConcurrentQueue<Guid> _named = [];
    private readonly AutoResetSignal _wake = new(time);

    /// <summary>Ends with the job. Dispose the wait, whether it ended or not.</summary>
    /// <param name="look">The job may be over already.</param>
    internal Wait Begin(Guid job, bool look)
    {
        while (true)
        {
            var waiting = _waiting.GetOrAdd(job, _ => new());
            if (waiting.TryJoin())
            {
                if (look)
                {
                    Name(job);
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
        using var word = signals.OnFinished((_, jobs) =>
        {
            foreach (var job in jobs)
            {
                if (_waiting.ContainsKey(job))
                {
                    Name(job);
                }
            }
        });

        var (looked, blind) = (time.GetTimestamp(), false);
        while (!stoppingToken.IsCancellationRequested)
        {
            var poll = TimeSpan.FromMilliseconds(options.CurrentValue.PollMs);
            try
            {
                var left = (signals.IsUp && poll < SafetyNet ? SafetyNet : poll) - time.GetElapsedTime(looked);
                var rung = !blind && left > TimeSpan.Zero && await _wake.WaitAsync(left, stoppingToken);
                var named = Named();
                var jobs = rung ? named : [.. _waiting.Keys];
                if (jobs.Count > 0)
                {
                    await ReadAsync(jobs, attributable: rung, stoppingToken);
                }

                if (!rung)
                {
                    (looked, blind) = (time.GetTimestamp(), false);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or OperationCanceledException)
            {
                // Who was named is forgotten, so the next look is at all.
                blind = true;
                logger.WaitersBlind(exception.Message);
                await Task.Delay(poll, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <param name="attributable">The jobs were named, so they are over for all that is known. A look at all jobs belongs to nobody's trace.</param>
    private async Task ReadAsync(IReadOnlyCollection<Guid> jobs, bool attributable, CancellationToken cancellationToken)
    {
        using var span = attributable ? SharedWork.Start("read finished jobs", jobs.Select(job => _waiting.GetValueOrDefault(job)?.Waiter)) : null;
        foreach (var finished in await ledger.ReadFinishedAsync(jobs, cancellationToken))
        {
            if (_waiting.TryGetValue(finished.Id, out var waiting))
            {
                waiting.Over.TrySetResult(finished);
            }
        }
    }

    private void Name(Guid job)
    {
        _named.Enqueue(job);
        _wake.Set();
    }

    private HashSet<Guid> Named()
    {
        var jobs = new HashSet<Guid>();
        while (_named.TryDequeue(out var job))
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
        public Task<FinishedJob> Over => waiting.Over.Task;

        /// <summary>The reading of the result hangs in the trace of the current span.</summary>
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

        /// <summary>The span of the turn that was the last to begin to wait.</summary>
        public Activity? Waiter { get; set; }

        public TaskCompletionSource<FinishedJob> Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <returns>False: the last one has just left.</returns>
        public bool TryJoin()
        {
            lock (Over)
            {
                if (_turns < 0)
                {
                    return false;
                }

                _turns++;
                return true;
            }
        }

        /// <returns>True: nobody is left.</returns>
        public bool Leave()
        {
            lock (Over)
            {
                _turns = _turns == 1 ? -1 : _turns - 1;
                return _turns < 0;
            }
        }
    }
}
