using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.Reliability.ToolJobs.Waiting;

/// <summary>
/// Runs a tool call for a turn: it enqueues the job, waits until the job has finished, and returns the outcome as a value. A database that
/// does not respond delays neither the turn nor its end: after the timeout, a statement that is still running continues in the background.
/// </summary>
public sealed class ToolJobClient(
    ToolJobLedger ledger,
    ToolJobBroker broker,
    OutboxPublisher publisher,
    ToolJobWaiters waiters,
    ToolJobSignals signals,
    RequestDatabase database,
    IOptionsMonitor<ToolJobOptions> options,
    TimeProvider time,
    ToolJobMetrics metrics,
    ILogger<ToolJobClient> logger)
{
    /// <summary>Timeout for removing a turn that no longer waits from its job.</summary>
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Enqueues the job, or joins the live job of the same cache slot, and waits for its end.</summary>
    /// <param name="wait">Maximum time to wait. Null: <c>TOOL_JOB_WAIT_MS</c>.</param>
    /// <param name="cancellationToken">
    /// The abort of the turn. A job that no other turn waits for is cancelled. The outcome is <see cref="ToolJobOutcome.Cancelled"/>;
    /// nothing is thrown.
    /// </param>
    public async Task<ToolJobOutcome> RunAsync(ToolJobRequest request, TimeSpan? wait = null, CancellationToken cancellationToken = default)
    {
        var outcome = await TryRunAsync(request, wait ?? TimeSpan.FromMilliseconds(options.CurrentValue.WaitMs), cancellationToken);
        metrics.Waited(request.Lane, outcome);
        return outcome;
    }

    private async Task<ToolJobOutcome> TryRunAsync(ToolJobRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new ToolJobOutcome.Cancelled();
        }

        if (broker.IsBlocked)
        {
            return new ToolJobOutcome.Saturated(
                $"[queue_saturated:{request.Lane}] The broker accepts no messages.", ToolBackpressure.QueueSaturated);
        }

        // The spans of the job's publishes and runs are children of this span, which ends when the job is enqueued.
        using var entry = TraceContext.Source.StartActivity($"enqueue {request.Lane}", ActivityKind.Producer);
        var newJob = Guid.CreateVersion7(time.GetUtcNow());

        // Registered before the job exists, so that even the fastest completion is not missed.
        using var ownWait = waiters.Begin(newJob, look: false);
        var (startedAt, entering) = (time.GetTimestamp(), ledger.EnterAsync(newJob, request, TraceContext.Current));
        EnteredJob entered;
        try
        {
            entered = await entering.WaitAsync(timeout, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await LeaveWhenEnteredAsync(entering);
            return new ToolJobOutcome.Cancelled();
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (!database.Outage.Records(exception))
            {
                logger.InsertFailed(request.Lane.Tool, exception.Message);
            }

            return new ToolJobOutcome.Failed("The tool queue cannot be reached.", ToolBackpressure.QueueSaturated);
        }

        if (entered.Id is not { } job)
        {
            return new ToolJobOutcome.Saturated(
                $"[queue_saturated:{request.Lane}] The queue of {request.Lane} is full.", ToolBackpressure.QueueSaturated);
        }

        entry?.SetTag("sendcat.tool_job.id", job).SetTag("sendcat.tool_job.joined", entered.Joined).Stop();
        logger.JobEntered(job, request.Lane.Tool, entered.Joined);
        request.OnEntered?.Invoke(job, entered.Joined);
        var remaining = timeout - time.GetElapsedTime(startedAt);
        remaining = remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        if (entered.Announced)
        {
            publisher.Signal(request.Lane);
        }

        if (!entered.Joined)
        {
            return await WaitAsync(ownWait, request.Lane, job, remaining, timeout, cancellationToken);
        }

        using var joinedWait = waiters.Begin(job, look: true);
        return await WaitAsync(joinedWait, request.Lane, job, remaining, timeout, cancellationToken);
    }

    /// <param name="remaining">The rest of <paramref name="timeout"/>.</param>
    private async Task<ToolJobOutcome> WaitAsync(
        ToolJobWaiters.Wait wait, ToolLane lane, Guid job, TimeSpan remaining, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var span = TraceContext.Source.StartActivity($"wait for {lane}");
        wait.Trace();
        try
        {
            var finished = await wait.Finished.WaitAsync(remaining, time, cancellationToken);
            return finished.Status switch
            {
                "completed" => new ToolJobOutcome.Completed(finished.Result!),
                "dead_letter" => new ToolJobOutcome.Failed(finished.Error ?? "The job never finished.", ToolBackpressure.DeadLetter),
                "cancelled" => new ToolJobOutcome.Cancelled(),
                "failed" => new ToolJobOutcome.Failed(finished.Error ?? "The job failed.", null),
                var status => throw new InvalidOperationException($"The job ended with the unknown status {status}."),
            };
        }
        catch (TimeoutException)
        {
            await LeaveAsync(job, abandon: false);
            return new ToolJobOutcome.TimedOut(ToolBackpressure.QueueTimeout(timeout));
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync(job, abandon: true);
            return new ToolJobOutcome.Cancelled();
        }
    }

    /// <summary>Leaves a job whose turn was aborted while the job was being enqueued.</summary>
    private async Task LeaveWhenEnteredAsync(Task<EnteredJob> entering)
    {
        try
        {
            if (await entering.WaitAsync(LeaveTimeout, time) is { Id: { } job })
            {
                await LeaveAsync(job, abandon: true);
            }
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (!database.Outage.Records(exception))
            {
                logger.CancelFailed(exception.Message);
            }
        }
    }

    /// <summary>Removes this turn from the waiters of the job. When Postgres is unavailable, the job runs to its end.</summary>
    private async Task LeaveAsync(Guid job, bool abandon)
    {
        try
        {
            if (await ledger.LeaveAsync(job, abandon).WaitAsync(LeaveTimeout, time) is { Cancelled: true, WasRunning: true })
            {
                signals.Cancelled(job);
            }
        }
        catch (Exception exception) when (PostgresFailure.Is(exception))
        {
            if (!database.Outage.Records(exception))
            {
                logger.CancelFailed(exception.Message);
            }
        }
    }
}
