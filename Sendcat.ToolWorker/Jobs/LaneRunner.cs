using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Snapshot;
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
/// <remarks>
/// A suspended worker keeps the messages that it holds until the broker closes its connection, and a broker that hangs delivers none. So
/// free slots also claim jobs that have been due for some time, without a message.
/// </remarks>
internal sealed class LaneRunner(
    ToolLane lane,
    LaneCatalog lanes,
    ToolJobBroker broker,
    ToolJobLeases leases,
    ToolJobSignals signals,
    WorkerSlots slots,
    JobRuns runs,
    Drain drain,
    IOptionsMonitor<ToolJobOptions> options,
    TimeProvider time,
    StoreOutages outages,
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

    /// <summary>
    /// Time for which a job is due before free slots claim it without a message, and the interval of these claims. A message normally
    /// arrives within milliseconds.
    /// </summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(500);

    /// <summary>Maximum time for which a running claim statement may delay the shutdown.</summary>
    private static readonly TimeSpan ClaimTimeout = TimeSpan.FromSeconds(5);

    private readonly AutoResetSignal _capacityFreed = new(time);
    private readonly WorkOutage _messages = new($"Messages of {lane.Tool}", outages.RabbitMq, logger, time);
    private readonly WorkOutage _claims = new($"Claims of {lane.Tool}", outages.Postgres, logger, time);

    /// <summary>Runs until the worker stops. Jobs that were started continue.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        // After a failure the jobs run all the same, and fail with its reason.
        await runs.PrepareAsync(lane, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(ConsumeAsync(stopping), ClaimOverdueAsync(stopping));
    }

    private async Task ConsumeAsync(CancellationToken stopping)
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
                await drain.WaitUntilResumedAsync(stopping);
                using var open = CancellationTokenSource.CreateLinkedTokenSource(stopping, drain.Token);
                await using var feed = await LaneFeed.OpenAsync(broker, lane, lanes.LimitsOf(lane).MaxConcurrent, time, stopping);
                timeouts = 0;
                _messages.Ends();
                while (await feed.FillAsync(open.Token))
                {
                    await ServeAsync(feed, open.Token);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException) when (drain.IsOn)
            {
                // The feed is closed, so the broker gives its messages to other workers.
            }
            catch (Exception exception)
            {
                // Catch every exception: if this loop ended, the lane would stop in a worker that reports itself healthy.
                LogInterruption(exception);
                timeouts = exception is TimeoutException && !broker.IsBlocked ? timeouts + 1 : 0;
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
        if (!IsTransient(exception))
        {
            logger.LaneFailed(lane.Tool, exception);
        }
        else if ((exception is NpgsqlException ? _claims : _messages).Begins(exception))
        {
            logger.LaneInterrupted(lane.Tool, exception.GetType().Name);
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

            (started, var moreDue) = await StartJobsAsync(acquired, TimeSpan.Zero, stopping);

            // When no further job is due, the other messages are duplicates or their jobs were cancelled.
            await feed.SettleAsync(moreDue ? Math.Min(started, feed.Held) : feed.Held, stopping);
            if (started < acquired && moreDue)
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

    /// <summary>Claims jobs without a message, at an interval, until the worker stops.</summary>
    private async Task ClaimOverdueAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Overdue, time);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(stopping);
                while (!drain.IsOn && await leases.HasOverdueAsync(lane, Overdue, stopping) && await ServeOverdueAsync(stopping))
                {
                }

                _claims.Ends();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Catch every exception, as for the messages.
                LogInterruption(exception);
            }
        }
    }

    /// <summary>Claims and starts overdue jobs, as far as slots are free.</summary>
    /// <returns>True: more jobs are overdue, and no running limit was reached.</returns>
    private async Task<bool> ServeOverdueAsync(CancellationToken stopping)
    {
        var (acquired, started) = (0, 0);
        try
        {
            while (acquired < options.CurrentValue.MaxPerRun && slots.TryAcquire(lane))
            {
                acquired++;
            }

            if (acquired == 0)
            {
                return false;
            }

            (started, var moreDue) = await StartJobsAsync(acquired, Overdue, stopping);
            return moreDue && started == acquired;
        }
        finally
        {
            slots.Release(acquired - started);
        }
    }

    /// <param name="overdue">Zero: for messages.</param>
    /// <returns>How many jobs were started, and whether more are due.</returns>
    private async Task<(int Started, bool MoreDue)> StartJobsAsync(int maxJobs, TimeSpan overdue, CancellationToken stopping)
    {
        var (claimStartedAt, began) = (time.GetTimestamp(), time.GetUtcNow());
        var claimed = await ClaimAsync(overdue, maxJobs, stopping);
        foreach (var job in claimed.Jobs)
        {
            job.Trace.Record("claim tool jobs", began, "sendcat.tool_jobs.claimed", claimed.Jobs.Count);
            runs.Start(job, claimStartedAt, Ended);
        }

        return (claimed.Jobs.Count, claimed.MoreDue);
    }

    /// <summary>
    /// A shutdown does not cancel a running claim statement at once: it may have committed already, and its jobs would then stay leased
    /// until the lease expires and lose an attempt. The claimed jobs are started; the drain waits for them or requeues them.
    /// </summary>
    private async Task<LeasedJobs> ClaimAsync(TimeSpan overdue, int maxJobs, CancellationToken stopping)
    {
        using var timeout = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var stopped = stopping.Register(() => timeout.CancelAfter(ClaimTimeout));
        return await leases.ClaimAsync(lane, overdue, maxJobs, runs.Worker, timeout.Token);
    }

    private void Ended()
    {
        slots.Release();
        _capacityFreed.Set();
    }
}
