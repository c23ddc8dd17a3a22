using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>The graceful shutdown of a worker after SIGTERM, and its health endpoints.</summary>
public sealed class WorkerStopTests(SharedStores stores)
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_stopping_worker_completes_its_running_job()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);
        var job = system.RunAsync(QueuedTool.SearchWeb.Lane, "kettle [[emu headers=2s]]");
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        system.Workers[0].Process.Send(UnixSignal.Terminate);

        Assert.IsType<ToolJobOutcome.Completed>(await job);
        Assert.Equal(0, await system.Workers[0].Process.Exited.WaitAsync(MaxWait));
        Assert.Equal((1, 0), (system.Requests("serper", "search").Completed, system.Requests("serper", "search").Aborted));
    }

    [Fact]
    public async Task A_job_that_exceeds_the_drain_time_is_returned_with_all_attempts_and_another_worker_runs_it()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1, ("TOOL_WORKER_DRAIN_MS", "200"));
        var job = system.RunAsync(QueuedTool.SearchWeb.Lane, "kettle [[emu hang=before-headers times=1]]");
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        system.Workers[0].Process.Send(UnixSignal.Terminate);
        Assert.Equal(0, await system.Workers[0].Process.Exited.WaitAsync(MaxWait));

        // The upstream request is aborted, and the job is queued without a used attempt.
        Assert.Equal((0, 1), (system.Requests("serper", "search").Active, system.Requests("serper", "search").Aborted));
        Assert.Equal(1, await system.Queue.CountAsync("tool_jobs WHERE status = 'queued' AND attempts = 0"));
        Assert.False(job.IsCompleted);

        await system.AddWorkerAsync();
        Assert.IsType<ToolJobOutcome.Completed>(await job);
        Assert.Equal(1, await system.Queue.CountAsync("tool_jobs WHERE status = 'completed' AND attempts = 1"));
    }

    [Fact]
    public async Task Every_worker_serves_its_health_on_its_own_address()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 2);

        foreach (var worker in system.Workers)
        {
            var line = await worker.Process.WaitForLineAsync(line => line.Contains("Now listening on", StringComparison.Ordinal), MaxWait);
            using var http = new HttpClient { BaseAddress = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..].Trim()) };
            foreach (var path in new[] { "/health", "/alive" })
            {
                using var response = await http.GetAsync(path);
                Assert.True(response.IsSuccessStatusCode, $"{path} returned {response.StatusCode}");
            }
        }
    }
}
