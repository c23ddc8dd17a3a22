using System.Collections.Concurrent;
using System.Diagnostics;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// Runs claimed jobs: it calls the handler, caches the result, and writes the end to Postgres. At shutdown it waits for the running jobs
/// and requeues those that do not end in time.
/// </summary>
internal sealed class JobRuns(
    IEnumerable<IToolHandler> handlers,
    HeldJobs held,
    ToolJobLeases leases,
    ToolCache cache,
    ToolCacheNamespaces namespaces,
    ToolJobMetrics metrics,
    ReplicaId replica,
    TimeProvider time,
    StoreOutages outages,
    ILogger<JobRuns> logger)
{
    /// <summary>
    /// Maximum duration of an attempt. It allows for upstreams that all respond at the end of their last retry. The lease is renewed
    /// meanwhile.
    /// </summary>
    private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan PersistRetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<ToolLane, IToolHandler> _handlers = handlers.ToDictionary(handler => handler.Lane);
    private readonly ConcurrentDictionary<Task, byte> _running = [];
    private readonly WorkOutage _outage = new("Persisting of job ends", outages.Postgres, logger, time);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>The name of this process in job rows.</summary>
    public string Worker { get; } = LeaseOwner.Of(replica).ToString();

    /// <inheritdoc cref="IToolHandler.PrepareAsync"/>
    public Task PrepareAsync(ToolLane lane, CancellationToken cancellationToken) =>
        _handlers.TryGetValue(lane, out var handler) ? handler.PrepareAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Starts the job in the background.</summary>
    /// <param name="claimStartedAt">
    /// Timestamp (<see cref="TimeProvider.GetTimestamp"/>) from before the claim statement. The lease cannot have started earlier.
    /// </param>
    /// <param name="ended">Called once, when the job has ended.</param>
    public void Start(LeasedJob job, long claimStartedAt, Action ended)
    {
        var run = RunAsync(job, claimStartedAt, ended);
        _running[run] = 0;
        _ = run.ContinueWith(
            static (done, all) => ((ConcurrentDictionary<Task, byte>)all!).TryRemove(done, out _),
            _running,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Waits for the running jobs. After the timeout the remaining jobs are cancelled and requeued.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        var running = Task.WhenAll(_running.Keys);
        if (await Task.WhenAny(running, Task.Delay(timeout, time, CancellationToken.None)) != running)
        {
            await _stop.CancelAsync();
        }

        await running;
    }

    private async Task RunAsync(LeasedJob job, long claimStartedAt, Action ended)
    {
        // Return to the lane loop first. Otherwise the code up to the first await would run in it.
        await Task.Yield();
        var (lane, started) = (job.Lease.Lane.Tool, time.GetTimestamp());
        metrics.Started(lane, job.Waited);
        using var span = job.Trace.Start($"run {lane}", ActivityKind.Consumer);
        span?.SetTag("sendcat.tool_job.id", job.Lease.Id).SetTag("sendcat.tool_job.attempt", job.Lease.Attempt);
        var outcome = "lost";
        try
        {
            using var heldJob = held.Hold(job, claimStartedAt, MaxDuration, _stop.Token);
            outcome = await SettleAsync(job, heldJob, await WorkAsync(job, heldJob));
        }
        catch (Exception exception)
        {
            // The lease expires, and the sweeper recovers the job.
            logger.EndNotPersisted(lane, job.Lease.Id, exception);
        }
        finally
        {
            span?.SetTag("sendcat.tool_job.outcome", outcome);
            metrics.Ended(lane, outcome, time.GetElapsedTime(started));
            ended();
        }
    }

    /// <returns>The result; null: the job must be requeued without counting the attempt.</returns>
    private async Task<ToolResult?> WorkAsync(LeasedJob job, HeldJob heldJob)
    {
        WorkLease.Set(job.Lease.Run, heldJob.EnsureAsync);
        try
        {
            if (await FindCachedAsync(job, heldJob.Token) is { } cached)
            {
                return cached;
            }

            // After a suspension of the process this code may run before the timer of the lease fires, so the lease is checked again.
            return heldJob.IsHeld
                ? await CacheAsync(job, heldJob, await _handlers[job.Lease.Lane].RunAsync(job.Arguments, heldJob.Token))
                : null;
        }
        catch (OperationCanceledException) when (heldJob.Token.IsCancellationRequested)
        {
            return heldJob.TimedOut
                ? new ToolResult.Failed($"The job took longer than {MaxDuration.TotalSeconds} s.", Retryable: true)
                : null;
        }
        catch (Exception exception)
        {
            logger.HandlerThrew(job.Lease.Lane.Tool, job.Lease.Id, exception);
            return new ToolResult.Failed($"{exception.GetType().Name}: {exception.Message}", Retryable: true);
        }
    }

    /// <summary>
    /// Reads the result of this job from the cache. Two cases need it: a turn may read the cache just before another job stores the result,
    /// and then enqueue a job for it; and an earlier attempt of this job may have succeeded although its end could not be persisted.
    /// </summary>
    private async Task<ToolResult?> FindCachedAsync(LeasedJob job, CancellationToken cancellationToken)
    {
        var cached = job.Cache is { } slot && namespaces.Named(slot.Namespace) is { } space
            ? await cache.GetAsync(space, slot.Key, cancellationToken)
            : null;
        if (cached is null && job.Lease.Token > 1)
        {
            cached = await cache.GetAsync(namespaces.UnpersistedResults, $"{job.Lease.Id}", cancellationToken);
        }

        return cached is null ? null : new ToolResult.Done(cached, Cacheable: false);
    }

    /// <summary>
    /// Caches the result before the job ends. So at every moment there is either a live job to join or a cached result, and the upstreams
    /// need not be called again if the end cannot be persisted.
    /// </summary>
    private async Task<ToolResult> CacheAsync(LeasedJob job, HeldJob heldJob, ToolResult result)
    {
        if (result is ToolResult.Done done && heldJob.IsHeld)
        {
            var (space, key) = done.Cacheable && job.Cache is { } slot && namespaces.Named(slot.Namespace) is { } named
                ? (named, slot.Key)
                : (namespaces.UnpersistedResults, $"{job.Lease.Id}");
            await cache.SetAsync(space, key, done.Json, CancellationToken.None);
        }

        return result;
    }

    private async Task<string> SettleAsync(LeasedJob job, HeldJob heldJob, ToolResult? result)
    {
        while (heldJob.IsHeld)
        {
            try
            {
                var outcome = result switch
                {
                    ToolResult.Done finished =>
                        await leases.CompleteAsync(job.Lease, finished.Json, finished.IsPartial) ? "completed" : Late(job),
                    ToolResult.Failed failed =>
                        await leases.FailAsync(job.Lease, failed.Error, failed.Retryable, failed.MinimumDelay) switch
                    {
                        null => Late(job),
                        "queued" => "requeued",
                        var end => end,
                    },
                    ToolResult.Rejected rejected => await leases.RejectAsync(job.Lease, rejected.Error) ?? Late(job),
                    ToolResult.Postponed postponed =>
                        await leases.ReturnAsync([job.Lease], postponed.Delay, CancellationToken.None) > 0 ? "postponed" : Late(job),
                    _ => await leases.ReturnAsync([job.Lease], CancellationToken.None) > 0 ? "handed_back" : Late(job),
                };
                _outage.Ends();
                return outcome;
            }
            catch (Exception exception) when (PostgresFailure.Is(exception))
            {
                if (_outage.Begins(exception))
                {
                    logger.PersistFailed(job.Lease.Lane.Tool, exception.Message);
                }

                await Task.Delay(PersistRetryInterval, time, CancellationToken.None);
            }
        }

        return Late(job);
    }

    private string Late(LeasedJob job)
    {
        logger.JobLost(job.Lease.Lane.Tool, job.Lease.Id, job.Lease.Attempt);
        return "late";
    }
}
