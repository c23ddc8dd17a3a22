using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// How a turn runs a tool: enters the job, waits to be told, and says in a value what came of it. A database that does not answer holds up neither the turn nor its end: an entry
/// or a leave that is under way then is left to itself.
/// </summary>
public sealed class ToolJobClient(
    ToolJobLedger ledger,
    OutboxPublisher publisher,
    ToolJobWaiters waiters,
    ToolJobSignals signals,
    IOptionsMonitor<ToolJobOptions> options,
    TimeProvider time,
    ToolJobMetrics metrics,
    ILogger<ToolJobClient> logger)
{
    /// <summary>How long a turn that has ended waits until its job knows.</summary>
    private static readonly TimeSpan LongestLeave = TimeSpan.FromSeconds(2);

    /// <param name="wait">Null: <c>TOOL_JOB_WAIT_MS</c>.</param>
    /// <param name="cancellationToken">The turn's abort: a job that nobody else waits for is cancelled, and the outcome says so; nothing is thrown.</param>
    public async Task<ToolJobOutcome> RunAsync(ToolJobRequest request, TimeSpan? wait = null, CancellationToken cancellationToken = default)
    {
        var outcome = await TryRunAsync(request, wait ?? TimeSpan.FromMilliseconds(options.CurrentValue.WaitMs), cancellationToken);
        metrics.Waited(request.Lane, outcome);
        return outcome;
    }

    private async Task<ToolJobOutcome> TryRunAsync(ToolJobRequest request, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new ToolJobOutcome.Cancelled();
        }

        // The job's publishes and runs are below this span, which ends when the job is entered.
        using var entry = TraceContext.Source.StartActivity($"enqueue {request.Lane}", ActivityKind.Producer);
        var mine = Guid.CreateVersion7(time.GetUtcNow());

        // Begun before the job exists, so that not even the quickest end is missed.
        using var ownWait = waiters.Begin(mine, look: false);
        var (begun, entering) = (time.GetTimestamp(), ledger.EnterAsync(mine, request, TraceContext.Current));
        EnteredJob entered;
        try
        {
            entered = await entering.WaitAsync(patience, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await LeaveWhenEnteredAsync(entering);
            return new ToolJobOutcome.Cancelled();
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            logger.EntryFailed(request.Lane.Tool, exception.Message);
            return new ToolJobOutcome.Failed("The tool queue cannot be reached.", ToolBackpressure.QueueSaturated);
        }

        if (entered.Id is not { } job)
        {
            return new ToolJobOutcome.Saturated($"[queue_saturated:{request.Lane}] The queue of {request.Lane} is full.", ToolBackpressure.QueueSaturated);
        }

        entry?.SetTag("sendcat.tool_job.id", job).SetTag("sendcat.tool_job.joined", entered.Joined).Stop();
        logger.JobEntered(job, request.Lane.Tool, entered.Joined);
        var left = patience - time.GetElapsedTime(begun);
        left = left > TimeSpan.Zero ? left : TimeSpan.Zero;
        if (entered.Announced)
        {
            publisher.Signal(request.Lane);
        }

        if (!entered.Joined)
        {
            return await WaitAsync(ownWait, request.Lane, job, left, patience, cancellationToken);
        }

        using var joinedWait = waiters.Begin(job, look: true);
        return await WaitAsync(joinedWait, request.Lane, job, left, patience, cancellationToken);
    }

    /// <param name="left">Of the patience.</param>
    private async Task<ToolJobOutcome> WaitAsync(ToolJobWaiters.Wait wait, ToolLane lane, Guid job, TimeSpan left, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var span = TraceContext.Source.StartActivity($"wait for {lane}");
        wait.Trace();
        try
        {
            var finished = await wait.Over.WaitAsync(left, time, cancellationToken);
            return finished.Status switch
            {
                "completed" => new ToolJobOutcome.Completed(finished.Result!),
                "dead_letter" => new ToolJobOutcome.Failed(finished.Error ?? "The job never finished.", ToolBackpressure.DeadLetter),
                "cancelled" => new ToolJobOutcome.Cancelled(),
                _ => new ToolJobOutcome.Failed(finished.Error ?? "The job failed.", null),
            };
        }
        catch (TimeoutException)
        {
            await LeaveAsync(job, abandon: false);
            return new ToolJobOutcome.TimedOut(ToolBackpressure.QueueTimeout(patience));
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync(job, abandon: true);
            return new ToolJobOutcome.Cancelled();
        }
    }

    /// <summary>The turn ended while its job was being entered.</summary>
    private async Task LeaveWhenEnteredAsync(Task<EnteredJob> entering)
    {
        try
        {
            if (await entering.WaitAsync(LongestLeave, time) is { Id: { } job })
            {
                await LeaveAsync(job, abandon: true);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            logger.LeavingFailed(exception.Message);
        }
    }

    /// <summary>When the record is away the job just runs to its end.</summary>
    private async Task LeaveAsync(Guid job, bool abandon)
    {
        try
        {
            if (await ledger.LeaveAsync(job, abandon).WaitAsync(LongestLeave, time) is { Cancelled: true, WasRunning: true })
            {
                signals.Cancelled(job);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            logger.LeavingFailed(exception.Message);
        }
    }
}
