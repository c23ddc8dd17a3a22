using Microsoft.Extensions.Options;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Processes the jobs of one lane. A message reports that the lane has one more job; Postgres decides which job is next and whether the
/// running limits allow it. A message is acknowledged as soon as a job was claimed for it: from then on the lease of the job recovers it
/// after a crash. Messages that a running limit delays stay unacknowledged.
/// </summary>
internal sealed class LaneRunner(
    ToolLane lane,
    LaneCatalog lanes,
    ToolJobBroker broker,
    ToolJobLeases leases,
    ToolJobSignals signals,
    WorkerSlots slots,
    JobRuns runs,
    IOptionsMonitor<ToolJobOptions> options,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>
    /// Number of consecutive timeouts after which the queue is deleted and declared again. The broker responds but the queue has no leader
    /// and will not elect one by itself; a node that is killed while it creates the queue can cause this. Deleting the queue is safe
    /// because Postgres has all jobs.
    /// </summary>
    private const int MaxConsecutiveTimeouts = 3;

    private static readonly TimeSpan ReopenDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Interval at which a lane at a running limit claims again without a signal. Normally it gets a signal when a job of its class ends;
    /// the signal may be lost.
    /// </summary>
    private static readonly TimeSpan ClaimRetryInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Maximum time for which a running claim statement may delay the shutdown.</summary>
    private static readonly TimeSpan ClaimTimeout = TimeSpan.FromSeconds(5);

    private readonly AutoResetSignal _capacityFreed = new(time);

    /// <summary>Runs until the worker stops. Jobs that were started continue.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var subscription = signals.OnFinished((other, _) =>
        {
            if (other.Qos == lane.Qos)
            {
                _capacityFreed.Set();
            }
        });

        for (var timeouts = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                await using var feed = await LaneFeed.OpenAsync(broker, lane, lanes.LimitsOf(lane).MaxConcurrent, time, stopping);
                timeouts = 0;
                while (await feed.FillAsync(stopping))
                {
                    await ServeAsync(feed, stopping);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Catch every exception: if this loop ended, the lane would stop in a worker that reports itself healthy.
                LogInterruption(exception);
                timeouts = exception is TimeoutException ? timeouts + 1 : 0;
                await Task.Delay(ReopenDelay, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (timeouts == MaxConsecutiveTimeouts)
            {
                timeouts = 0;
                await RebuildAsync(stopping);
            }
        }
    }

    private async Task RebuildAsync(CancellationToken stopping)
    {
        try
        {
            logger.QueueUnresponsive(lane.Tool);
            await broker.RebuildAsync(lane, stopping);
        }
        catch (Exception exception)
        {
            LogInterruption(exception);
        }
    }

    private void LogInterruption(Exception exception)
    {
        if (IsTransient(exception))
        {
            logger.LaneInterrupted(lane.Tool, exception.GetType().Name);
        }
        else
        {
            logger.LaneFailed(lane.Tool, exception);
        }
    }

    private static bool IsTransient(Exception exception) => PostgresFailure.Is(exception) || BrokerFailure.Is(exception);

    /// <summary>Claims and starts jobs for the held messages, as far as slots are free.</summary>
    private async Task ServeAsync(LaneFeed feed, CancellationToken stopping)
    {
        await slots.AcquireAsync(lane, stopping);
        var (acquired, started) = (1, 0);
        try
        {
            while (acquired < feed.Held && acquired < options.CurrentValue.MaxPerRun && slots.TryAcquire(lane))
            {
                acquired++;
            }

            var (claimStartedAt, began) = (time.GetTimestamp(), time.GetUtcNow());
            var claimed = await ClaimAsync(acquired, stopping);
            foreach (var job in claimed.Jobs)
            {
                job.Trace.Record("claim tool jobs", began, "sendcat.tool_jobs.claimed", claimed.Jobs.Count);
                runs.Start(job, claimStartedAt, Ended);
                started++;
            }

            // When no further job is due, the other messages are duplicates or their jobs were cancelled.
            await feed.SettleAsync(claimed.MoreDue ? Math.Min(started, feed.Held) : feed.Held, stopping);
            if (started < acquired && claimed.MoreDue)
            {
                slots.Release(acquired - started);
                acquired = started;
                await _capacityFreed.WaitAsync(ClaimRetryInterval, stopping);
            }
        }
        finally
        {
            slots.Release(acquired - started);
        }
    }

    /// <summary>
    /// A shutdown does not cancel a running claim statement at once: it may have committed already, and its jobs would then stay leased
    /// until the lease expires and lose an attempt. The claimed jobs are started; the drain waits for them or requeues them.
    /// </summary>
    private async Task<LeasedJobs> ClaimAsync(int maxJobs, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var stopped = stopping.Register(() => timeout.CancelAfter(ClaimTimeout));
        return await leases.ClaimAsync(lane, maxJobs, runs.Worker, timeout.Token);
    }

    private void Ended()
    {
        slots.Release();
        _capacityFreed.Set();
    }
}
