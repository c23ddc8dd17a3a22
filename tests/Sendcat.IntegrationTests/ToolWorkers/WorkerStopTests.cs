using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>A worker that is told to stop.</summary>
public sealed class WorkerStopTests(SharedStores stores)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_stopping_worker_lets_a_job_in_work_end()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);
        var asked = system.AskAsync(QueuedTool.SearchWeb.Lane, "kettle [[emu headers=2s]]");
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        system.Workers[0].Process.Send(UnixSignal.Terminate);

        Assert.IsType<ToolJobOutcome.Completed>(await asked);
        Assert.Equal(0, await system.Workers[0].Process.Exited.WaitAsync(Patience));
        Assert.Equal((1, 0), (system.Asked("serper", "search").Completed, system.Asked("serper", "search").Aborted));
    }

    [Fact]
    public async Task What_does_not_end_in_time_is_handed_back_whole_and_another_worker_takes_it()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1, ("TOOL_WORKER_DRAIN_MS", "200"));
        var asked = system.AskAsync(QueuedTool.SearchWeb.Lane, "kettle [[emu hang=before-headers times=1]]");
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 1);

        system.Workers[0].Process.Send(UnixSignal.Terminate);
        Assert.Equal(0, await system.Workers[0].Process.Exited.WaitAsync(Patience));

        // The upstream was left, and the job waits as if nobody had tried it yet.
        Assert.Equal((0, 1), (system.Asked("serper", "search").Active, system.Asked("serper", "search").Aborted));
        Assert.Equal(1, await system.Turns.CountAsync("tool_jobs WHERE status = 'queued' AND attempts = 0"));
        Assert.False(asked.IsCompleted);

        await system.AddWorkerAsync();
        Assert.IsType<ToolJobOutcome.Completed>(await asked);
        Assert.Equal(1, await system.Turns.CountAsync("tool_jobs WHERE status = 'completed' AND attempts = 1"));
    }

    [Fact]
    public async Task A_worker_answers_for_its_health_on_an_address_of_its_own()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 2);

        foreach (var worker in system.Workers)
        {
            var line = await worker.Process.WaitForLineAsync(line => line.Contains("Now listening on", StringComparison.Ordinal), Patience);
            using var http = new HttpClient { BaseAddress = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..].Trim()) };
            foreach (var path in new[] { "/health", "/alive" })
            {
                using var answer = await http.GetAsync(path);
                Assert.True(answer.IsSuccessStatusCode, $"{path} answers {answer.StatusCode}");
            }
        }
    }
}
