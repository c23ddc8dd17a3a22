using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs.Recovery;

/// <summary>
/// Every second it recovers the jobs whose lease has expired. Every two seconds it compares the number of due jobs of each lane with the
/// number of its messages, and publishes the messages again that the broker lost. Every minute it deletes the jobs whose retention time has
/// passed. Retries need no sweep: their outbox rows become due together with them. The loops are independent: a broker that does not
/// respond for one lane delays neither the other lanes nor the recovery.
/// </summary>
internal sealed class Sweeper(
    LaneCatalog lanes, JobRecovery recovery, ToolJobBroker broker, OutboxPublisher publisher, TimeProvider time, ToolJobMetrics metrics,
    StoreOutages outages, ILogger<Sweeper> logger) : BackgroundService
{
    /// <summary>The part that needs Postgres only. The others are the lanes, which need the broker as well.</summary>
    private const string DatabasePart = "database";

    private const string Work = "Sweeping of tool jobs";

    /// <summary>Messages of each lane that its last round missed.</summary>
    private readonly ConcurrentDictionary<ToolLane, int> _missing = [];

    private readonly WorkOutage _database = new(Work, outages.Postgres, logger, time);
    private readonly WorkOutage _messages = new(Work, outages.RabbitMq, logger, time);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
    [
        EveryAsync(TimeSpan.FromSeconds(1), DatabasePart, RecoverStaleJobsAsync, stoppingToken),
        EveryAsync(TimeSpan.FromMinutes(1), DatabasePart, RemoveExpiredAsync, stoppingToken),
        .. lanes.All.Select(
            lane => EveryAsync(TimeSpan.FromSeconds(2), lane.Tool, token => RestoreMessagesAsync(lane, token), stoppingToken)),
    ]);

    private async Task RecoverStaleJobsAsync(CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        foreach (var jobs in await recovery.RecoverExpiredLeasesAsync(cancellationToken))
        {
            metrics.Rescued(jobs.Lane.Tool, jobs.DeadLettered ? "dead_letter" : "requeued", jobs.Jobs.Count);
            BackgroundRound.Record(
                "rescue silent tool jobs",
                began,
                ("sendcat.tool", jobs.Lane.Tool),
                ("sendcat.outcome", jobs.DeadLettered ? "dead_letter" : "requeued"),
                ("sendcat.tool_jobs.count", jobs.Jobs.Count));
            if (jobs.DeadLettered)
            {
                logger.JobsDeadLettered(jobs.Jobs.Count, jobs.Lane.Tool);
            }
            else
            {
                logger.JobsRecovered(jobs.Jobs.Count, jobs.Lane.Tool);
                publisher.Signal(jobs.Lane);
            }
        }
    }

    /// <summary>
    /// Any message of a lane may start any job of the lane, so comparing counts is enough. Messages that workers hold are not counted, so a
    /// job may get a second message. There are never more new messages than due jobs, and a surplus message has no effect. Only messages
    /// that two rounds in a row miss are lost: a worker that has just started holds the messages of all jobs that it is about to claim.
    /// </summary>
    private async Task RestoreMessagesAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var (due, overdue) = await recovery.CountDueAsync(lane, cancellationToken);
        var missedBefore = _missing.GetValueOrDefault(lane);
        _missing[lane] = 0;
        if (overdue == 0 || broker.IsBlocked)
        {
            return;
        }

        var messages = await broker.CountAsync(lane, cancellationToken);
        _messages.Ends(lane.Tool);
        var missed = _missing[lane] = Math.Min(overdue, due - messages);
        var missing = Math.Min(missed, missedBefore);
        if (missing > 0 && await recovery.RepublishAsync(lane, missing, cancellationToken) is > 0 and var republished)
        {
            metrics.Rescued(lane.Tool, "announced", republished);
            BackgroundRound.Record(
                "announce tool jobs again", began, ("sendcat.tool", lane.Tool), ("sendcat.tool_jobs.count", republished));
            logger.MessagesLost(republished, lane.Tool);
            publisher.Signal(lane);
        }
    }

    private async Task RemoveExpiredAsync(CancellationToken cancellationToken)
    {
        var (began, total) = (time.GetUtcNow(), 0);
        while (await recovery.RemoveExpiredAsync(cancellationToken) is > 0 and var removed)
        {
            metrics.Rescued("any", "removed", removed);
            total += removed;
        }

        if (total > 0)
        {
            BackgroundRound.Record("remove expired tool jobs", began, ("sendcat.tool_jobs.count", total));
        }
    }

    private Task EveryAsync(TimeSpan period, string part, Func<CancellationToken, Task> step, CancellationToken stopping) =>
        new BackgroundLoop(Work, logger, time).EveryAsync(period, token => TryAsync(part, step, token), stopping);

    private async Task TryAsync(string part, Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await step(cancellationToken);
            _database.Ends(part);
        }
        catch (Exception exception) when (PostgresFailure.Is(exception) || BrokerFailure.Is(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if ((exception is NpgsqlException ? _database : _messages).Begins(exception, part))
            {
                logger.SweepFailed(exception.GetType().Name);
            }
        }
    }
}
