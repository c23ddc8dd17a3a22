using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>How a turn runs a tool: enters the job, waits to be told, and says in a value what came of it.</summary>
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
    /// <param name="wait">Null: <c>TOOL_JOB_WAIT_MS</c>.</param>
    /// <param name="cancellationToken">The turn's abort: a job that nobody else waits for is cancelled, and the outcome says so; nothing is thrown.</param>
    public async Task<ToolJobOutcome> RunAsync(ToolJobRequest request, TimeSpan? wait = null, CancellationToken cancellationToken = default)
    {
        using var span = TraceContext.Source.StartActivity($"enqueue {request.Lane}", ActivityKind.Producer);
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

        var mine = Guid.CreateVersion7(time.GetUtcNow());

        // Begun before the job exists, so that not even the quickest end is missed.
        using var ownWait = waiters.Begin(mine, look: false);
        EnteredJob entered;
        try
        {
            entered = await ledger.EnterAsync(mine, request, TraceContext.Current);
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

        if (!entered.Joined)
        {
            publisher.Ring(request.Lane);
            return await WaitAsync(ownWait, job, patience, cancellationToken);
        }

        using var joinedWait = waiters.Begin(job, look: true);
        return await WaitAsync(joinedWait, job, patience, cancellationToken);
    }

    private async Task<ToolJobOutcome> WaitAsync(ToolJobWaiters.Wait wait, Guid job, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            var finished = await wait.Over.WaitAsync(patience, time, cancellationToken);
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

    /// <summary>When the record is away the job just runs to its end.</summary>
    private async Task LeaveAsync(Guid job, bool abandon)
    {
        try
        {
            if (await ledger.LeaveAsync(job, abandon) is { Cancelled: true, WasRunning: true })
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
