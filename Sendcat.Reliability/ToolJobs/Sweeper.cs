using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client.Exceptions;
using Sendcat.Reliability.Tracing;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>
/// Every second: rescues jobs whose worker fell silent. Every two: compares the due jobs of each lane with its messages and announces what the broker lost. Every minute:
/// removes what was kept long enough. (Retries need no sweeping: their outbox row is due with them.) Each goes its own way: a broker that does not answer for one lane holds up
/// neither the others nor the rescue.
/// </summary>
internal sealed class Sweeper(
    JobRecovery rescue, ToolJobBroker broker, OutboxPublisher publisher, TimeProvider time, ToolJobMetrics metrics, ILogger<Sweeper> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
    [
        EveryAsync(TimeSpan.FromSeconds(1), RecoverStaleJobsAsync, stoppingToken),
        EveryAsync(TimeSpan.FromMinutes(1), RemoveExpiredAsync, stoppingToken),
        .. ToolLane.All.Select(lane => EveryAsync(TimeSpan.FromSeconds(2), token => RestoreMessagesAsync(lane, token), stoppingToken)),
    ]);

    private async Task RecoverStaleJobsAsync(CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        foreach (var jobs in await rescue.ExpiredLeasesAsync(cancellationToken))
        {
            metrics.Rescued(jobs.Lane.Tool, jobs.Dead ? "dead_letter" : "requeued", jobs.Jobs.Count);
            BackgroundRound.Did("rescue silent tool jobs", began, ("sendcat.tool", jobs.Lane.Tool), ("sendcat.outcome", jobs.Dead ? "dead_letter" : "requeued"), ("sendcat.tool_jobs.count", jobs.Jobs.Count));
            if (jobs.Dead)
            {
                logger.JobsPoisonous(jobs.Jobs.Count, jobs.Lane.Tool);
            }
            else
            {
                logger.JobsRecovered(jobs.Jobs.Count, jobs.Lane.Tool);
                publisher.Signal(jobs.Lane);
            }
        }
    }

    /// <summary>
    /// Any message of a lane lets any of its jobs start, so counting is enough. Messages that workers hold are not counted: a job waiting behind one may be announced twice,
    /// never more often than there are due jobs, and a message too many finds nothing to do.
    /// </summary>
    private async Task RestoreMessagesAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var began = time.GetUtcNow();
        var (due, overdue) = await rescue.DueAsync(lane, cancellationToken);
        if (overdue == 0)
        {
            return;
        }

        var missing = Math.Min(overdue, due - await broker.CountAsync(lane, cancellationToken));
        if (missing > 0 && await rescue.AnnounceAgainAsync(lane, missing, cancellationToken) is > 0 and var announced)
        {
            metrics.Rescued(lane.Tool, "announced", announced);
            BackgroundRound.Did("announce tool jobs again", began, ("sendcat.tool", lane.Tool), ("sendcat.tool_jobs.count", announced));
            logger.MessagesLost(announced, lane.Tool);
            publisher.Signal(lane);
        }
    }

    private async Task RemoveExpiredAsync(CancellationToken cancellationToken)
    {
        var (began, all) = (time.GetUtcNow(), 0);
        while (await rescue.RemoveExpiredAsync(cancellationToken) is > 0 and var removed)
        {
            metrics.Rescued("any", "removed", removed);
            all += removed;
        }

        if (all > 0)
        {
            BackgroundRound.Did("remove expired tool jobs", began, ("sendcat.tool_jobs.count", all));
        }
    }

    private async Task EveryAsync(TimeSpan period, Func<CancellationToken, Task> step, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(period, time);
        while (await NextAsync(timer, stopping))
        {
            try
            {
                await step(stopping);
            }
            catch (Exception exception) when (exception is NpgsqlException or RabbitMQClientException or TimeoutException or OperationCanceledException or IOException or ObjectDisposedException)
            {
                logger.SweepFailed(exception.GetType().Name);
            }
#pragma warning disable CA1031 // A loop that ended would rescue nobody any more, in a process that looks well.
            catch (Exception surprise)
#pragma warning restore CA1031
            {
                logger.SweepBroke(surprise);
            }
        }
    }

    private static async ValueTask<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
