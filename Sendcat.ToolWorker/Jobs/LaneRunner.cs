using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client.Exceptions;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Works one lane off. A message says that the lane has a job more; the record says which is next and whether the caps leave room. A message is settled as soon as a job was
/// claimed for it: from then on the job's lease is what brings it back. Messages that a cap holds up stay in hand.
/// </summary>
internal sealed class LaneRunner(
    ToolLane lane, ToolJobBroker broker, ToolJobLeases claims, ToolJobSignals signals, WorkerSlots places, JobRuns runs, IOptionsMonitor<ToolJobOptions> options, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// A queue that stays silent so often in a row, with a broker that answers, has no leader and will not get one by itself (a node that was killed while it made the queue leaves
    /// such behind). What the record holds is worth more than the queue.
    /// </summary>
    private const int SilentQueue = 3;

    private static readonly TimeSpan Reopen = TimeSpan.FromMilliseconds(500);

    /// <summary>A capped lane hears when a job of its class ends; this is for when word is lost.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a claim may hold up a stopping worker.</summary>
    private static readonly TimeSpan LongestClaim = TimeSpan.FromSeconds(5);

    private readonly AutoResetSignal _moved = new(time);

    /// <summary>Until the worker stops; jobs that were started go on.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var word = signals.OnFinished((other, _) =>
        {
            if (other.Qos == lane.Qos)
            {
                _moved.Set();
            }
        });

        for (var silent = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                await using var feed = await LaneFeed.OpenAsync(broker, lane, LaneLimits.Of(lane, options.CurrentValue).Places, time, stopping);
                silent = 0;
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
                // Whatever it was: a lane that ended would stand still in a worker that looks well.
                Interrupted(exception);
                silent = exception is TimeoutException ? silent + 1 : 0;
                await Task.Delay(Reopen, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (silent == SilentQueue)
            {
                silent = 0;
                await RebuildAsync(stopping);
            }
        }
    }

    private async Task RebuildAsync(CancellationToken stopping)
    {
        try
        {
            logger.QueueSilent(lane.Tool);
            await broker.RebuildAsync(lane, stopping);
        }
        catch (Exception exception)
        {
            Interrupted(exception);
        }
    }

    private void Interrupted(Exception exception)
    {
        if (IsPassing(exception))
        {
            logger.LaneInterrupted(lane.Tool, exception.GetType().Name);
        }
        else
        {
            logger.LaneBroke(lane.Tool, exception);
        }
    }

    private static bool IsPassing(Exception exception) =>
        exception is NpgsqlException or RabbitMQClientException or TimeoutException or OperationCanceledException or IOException or ObjectDisposedException;

    /// <summary>Claims for the messages in hand as far as there are places.</summary>
    private async Task ServeAsync(LaneFeed feed, CancellationToken stopping)
    {
        await places.TakeAsync(lane, stopping);
        var (taken, started) = (1, 0);
        try
        {
            while (taken < feed.Held && taken < options.CurrentValue.MaxPerRun && places.TryTake(lane))
            {
                taken++;
            }

            var (asked, began) = (time.GetTimestamp(), time.GetUtcNow());
            var claimed = await ClaimAsync(taken, stopping);
            foreach (var job in claimed.Jobs)
            {
                job.Trace.Record("claim tool jobs", began, "sendcat.tool_jobs.claimed", claimed.Jobs.Count);
                runs.Start(job, asked, Ended);
                started++;
            }

            // When nothing more is due, the other messages came twice or their jobs were cancelled.
            await feed.SettleAsync(claimed.MoreDue ? Math.Min(started, feed.Held) : feed.Held, stopping);
            if (started < taken && claimed.MoreDue)
            {
                places.Release(taken - started);
                taken = started;
                await _moved.WaitAsync(LookAgain, stopping);
            }
        }
        finally
        {
            places.Release(taken - started);
        }
    }

    /// <summary>
    /// A stop does not take back a claim that is under way: it may be on record already, and its jobs would wait out their lease with an attempt less. What is claimed is started; the
    /// drain ends it or hands it back.
    /// </summary>
    private async Task<LeasedJobs> ClaimAsync(int most, CancellationToken stopping)
    {
        using var patience = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var stopped = stopping.Register(() => patience.CancelAfter(LongestClaim));
        return await claims.ClaimAsync(lane, most, runs.Worker, patience.Token);
    }

    private void Ended()
    {
        places.Release();
        _moved.Set();
    }
}
