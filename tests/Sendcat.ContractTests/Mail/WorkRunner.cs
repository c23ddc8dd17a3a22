using Microsoft.Extensions.Hosting;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.ContractTests.Mail;

/// <summary>
/// A lane of the worker inside the API of the test, without a broker: it claims due jobs itself and runs them one after another, in the
/// order in which they were enqueued.
/// </summary>
internal sealed class WorkRunner(ToolLane lane, ToolJobLeases leases, JobRuns runs, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var poll = new PeriodicTimer(PollInterval, time);
        try
        {
            while (true)
            {
                var claimStartedAt = time.GetTimestamp();
                if ((await leases.ClaimAsync(lane, 1, runs.Worker, stoppingToken)).Jobs is not [var job])
                {
                    await poll.WaitForNextTickAsync(stoppingToken);
                    continue;
                }

                var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                runs.Start(job, claimStartedAt, ended.SetResult);
                await ended.Task;
            }
        }
        catch (OperationCanceledException)
        {
            await runs.DrainAsync(TimeSpan.Zero);
        }
    }
}
