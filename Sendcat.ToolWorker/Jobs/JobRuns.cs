using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Runs claimed jobs to their ends: handler, cache, record. Every job that was started is waited for, or handed back when the worker cannot wait any longer.</summary>
internal sealed class JobRuns(
    IEnumerable<IToolHandler> handlers,
    HeldJobs held,
    ToolJobLeases claims,
    ToolCache cache,
    ToolCacheNamespaces namespaces,
    ToolJobMetrics metrics,
    TimeProvider time,
    ILogger<JobRuns> logger)
{
    /// <summary>A bound for handlers whose upstreams all answer at the last moment of their last retry; the lease is renewed meanwhile.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan RecordAgain = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<ToolLane, IToolHandler> _handlers = handlers.ToDictionary(handler => handler.Lane);
    private readonly ConcurrentDictionary<Task, byte> _running = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>This process, for operators who look at rows.</summary>
    public string Worker { get; } = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <param name="asked">When its claim was asked for (<see cref="TimeProvider.GetTimestamp"/>): the lease runs since then at the earliest.</param>
    /// <param name="ended">Called once.</param>
    public void Start(LeasedJob job, long asked, Action ended)
    {
        var run = RunAsync(job, asked, ended);
        _running[run] = 0;
        _ = run.ContinueWith(static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _), _running, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits for the jobs in work; those that are not done by then are handed back.</summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        var running = Task.WhenAll(_running.Keys);
        if (await Task.WhenAny(running, Task.Delay(patience, time, CancellationToken.None)) != running)
        {
            await _stop.CancelAsync();
        }

        await running;
    }

    private async Task RunAsync(LeasedJob job, long asked, Action ended)
    {
        // Let the lane go on: everything up to the first wait would otherwise run on its time.
        await Task.Yield();
        var (lane, started) = (job.Claim.Lane.Tool, time.GetTimestamp());
        metrics.Started(lane, job.Waited);
        using var span = job.Trace.Start($"run {lane}", ActivityKind.Consumer);
        span?.SetTag("sendcat.tool_job.id", job.Claim.Id).SetTag("sendcat.tool_job.attempt", job.Claim.Attempt);
        var outcome = "lost";
        try
        {
            using var mine = held.Hold(job, asked, Longest, _stop.Token);
            outcome = await SettleAsync(job, mine, await WorkAsync(job, mine));
        }
        catch (Exception exception)
        {
            // The lease runs out and the sweeper takes over.
            logger.EndUnrecorded(lane, job.Claim.Id, exception);
        }
        finally
        {
            span?.SetTag("sendcat.tool_job.outcome", outcome);
            metrics.Ended(lane, outcome, time.GetElapsedTime(started));
            ended();
        }
    }

    /// <returns>Null: the job is to be handed back.</returns>
    private async Task<ToolResult?> WorkAsync(LeasedJob job, HeldJob mine)
    {
        try
        {
            if (await KnownAsync(job, mine.Token) is { } known)
            {
                return known;
            }

            // After a standstill the work goes on before the timer of the lease rings.
            return mine.IsOurs ? await KeepAsync(job, mine, await _handlers[job.Claim.Lane].RunAsync(job.Arguments, mine.Token)) : null;
        }
        catch (OperationCanceledException) when (mine.Token.IsCancellationRequested)
        {
            return mine.TookTooLong ? new ToolResult.Refused($"The job took longer than {Longest.TotalSeconds} s.", Retryable: true) : null;
        }
        catch (Exception exception)
        {
            logger.HandlerThrew(job.Claim.Lane.Tool, job.Claim.Id, exception);
            return new ToolResult.Refused($"{exception.GetType().Name}: {exception.Message}", Retryable: true);
        }
    }

    /// <summary>
    /// Who looked into the cache a moment too early may have entered a job for what another one has just brought. And a job that comes again may have been done, but its end could not
    /// be recorded.
    /// </summary>
    private async Task<ToolResult?> KnownAsync(LeasedJob job, CancellationToken cancellationToken)
    {
        var known = job.Cache is { } slot ? await cache.GetAsync(namespaces.Named(slot.Namespace), slot.Key, cancellationToken) : null;
        if (known is null && job.Claim.Token > 1)
        {
            known = await cache.GetAsync(namespaces.UnrecordedJobs, $"{job.Claim.Id}", cancellationToken);
        }

        return known is null ? null : new ToolResult.Done(known, Keep: false);
    }

    /// <summary>Before the job ends: at no moment there is neither a live job to join nor a kept result, and nobody has to be asked again should the end not be recorded.</summary>
    private async Task<ToolResult> KeepAsync(LeasedJob job, HeldJob mine, ToolResult result)
    {
        if (result is ToolResult.Done done && mine.IsOurs)
        {
            var (space, key) = done.Keep && job.Cache is { } slot ? (namespaces.Named(slot.Namespace), slot.Key) : (namespaces.UnrecordedJobs, $"{job.Claim.Id}");
            await cache.SetAsync(space, key, done.Json, CancellationToken.None);
        }

        return result;
    }

    private async Task<string> SettleAsync(LeasedJob job, HeldJob mine, ToolResult? result)
    {
        while (mine.IsOurs)
        {
            try
            {
                return result switch
                {
                    ToolResult.Done finished => await claims.CompleteAsync(job.Claim, finished.Json) ? "completed" : Late(job),
                    ToolResult.Refused refused => await claims.FailAsync(job.Claim, refused.Error, refused.Retryable) switch { null => Late(job), "queued" => "requeued", var end => end },
                    _ => await claims.ReturnAsync([job.Claim], CancellationToken.None) > 0 ? "handed_back" : Late(job),
                };
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                logger.RecordAway(job.Claim.Lane.Tool, exception.Message);
                await Task.Delay(RecordAgain, time, CancellationToken.None);
            }
        }

        return Late(job);
    }

    private string Late(LeasedJob job)
    {
        logger.JobLost(job.Claim.Lane.Tool, job.Claim.Id, job.Claim.Attempt);
        return "late";
    }
}
