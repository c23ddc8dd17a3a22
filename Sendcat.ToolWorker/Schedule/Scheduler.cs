using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Schedule;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.Tracing;

namespace Sendcat.ToolWorker.Schedule;

/// <summary>
/// Runs the scheduled jobs. All workers look for due jobs every two seconds; the lease in Postgres lets one of them run each. Jobs do not
/// wait for each other. A drained worker starts none.
/// </summary>
internal sealed class Scheduler(
    IEnumerable<ScheduledJob> jobs, ScheduleStore store, Drain drain, TimeProvider time, StoreOutages outages, ILogger<Scheduler> logger)
    : BackgroundService
{
    private const string Work = "Running of scheduled jobs";

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>A run that lasts longer is cancelled and counts as failed.</summary>
    private static readonly TimeSpan MaxDuration = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan RegisterInterval = TimeSpan.FromHours(1);

    private static readonly Backoff RetryDelays = new(TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));

    private readonly Dictionary<string, ScheduledJob> _jobs = jobs.ToDictionary(job => job.Name, StringComparer.Ordinal);
    private readonly List<Task> _running = [];
    private readonly string _worker = $"{Environment.MachineName}:{Environment.ProcessId}";
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);
    private long? _registeredAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        await new BackgroundLoop(Work, logger, time).RepeatAsync(
            async cancellationToken =>
            {
                await StartDueAsync(cancellationToken);
                _running.RemoveAll(run => run.IsCompleted);
                await timer.WaitForNextTickAsync(cancellationToken);
            },
            stoppingToken);
        await Task.WhenAll(_running);
    }

    /// <summary>Starts every job that is due and that no other worker runs.</summary>
    internal async Task StartDueAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (_registeredAt is not { } at || time.GetElapsedTime(at) >= RegisterInterval)
            {
                await store.RegisterAsync([.. _jobs.Values.Select(job => (job.Name, job.Description, job.Interval))], stoppingToken);
                _registeredAt = time.GetTimestamp();
            }

            while (!drain.IsOn && await store.ClaimAsync(_jobs.Keys, _worker, Lease, stoppingToken) is { } run)
            {
                _running.Add(RunAsync(_jobs[run.Name], run, stoppingToken));
            }

            _outage.Ends();
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            if (_outage.Begins(failure))
            {
                logger.ScheduleUnavailable(failure.Message);
            }
        }
    }

    /// <summary>Waits for the runs that were started.</summary>
    internal Task DrainAsync() => Task.WhenAll(_running);

    private async Task RunAsync(ScheduledJob job, ScheduledRun run, CancellationToken stoppingToken)
    {
        var (began, started) = (time.GetUtcNow(), time.GetTimestamp());
        using var limit = new CancellationTokenSource(MaxDuration, time);
        using var lost = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, lost.Token, stoppingToken);
        using var ended = new CancellationTokenSource();
        var renewing = RenewAsync(run, lost, ended.Token);
        ScheduledResult result;
        try
        {
            result = await job.Run(run.IsRequested, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            result = new(limit.IsCancellationRequested ? "took too long" : "interrupted", Changed: false) { IsSuccess = false };
        }
        catch (Exception failure)
        {
            logger.ScheduledJobThrew(job.Name, failure);
            result = new(failure.GetType().Name, Changed: false) { IsSuccess = false };
        }

        await ended.CancelAsync();
        await renewing;
        await EndAsync(job, run, result);
        ScheduleMetrics.Ran(job.Name, result.IsSuccess, time.GetElapsedTime(started));
        if (result.Changed)
        {
            BackgroundRound.Record(job.Name, began, ("sendcat.result", result.Text));
        }
    }

    private async Task EndAsync(ScheduledJob job, ScheduledRun run, ScheduledResult result)
    {
        if (!result.IsSuccess)
        {
            logger.ScheduledJobFailed(job.Name, result.Text);
        }

        try
        {
            await store.EndAsync(run, result.IsSuccess, result.Text, failures => RetryDelays.After(failures), CancellationToken.None);
        }
        catch (Exception failure)
        {
            // The lease expires, and the job runs again.
            if (!outages.Postgres.Records(Work, failure))
            {
                logger.ScheduledEndNotStored(job.Name, failure.GetType().Name);
            }
        }
    }

    /// <summary>Renews the lease until the run has ended, and cancels the run when the lease has passed to another worker.</summary>
    private Task RenewAsync(ScheduledRun run, CancellationTokenSource lost, CancellationToken ended) =>
        new BackgroundLoop($"Renewal of the lease of {run.Name}", logger, time).EveryAsync(
            Lease / 3,
            async cancellationToken =>
            {
                try
                {
                    if (!await store.RenewAsync(run, Lease, cancellationToken))
                    {
                        await lost.CancelAsync();
                    }
                }
                catch (Exception failure) when (PostgresFailure.Is(failure))
                {
                    // The next round renews, or finds that the lease is lost.
                }
            },
            ended);
}
