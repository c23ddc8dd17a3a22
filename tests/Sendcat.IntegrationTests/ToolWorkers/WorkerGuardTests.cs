using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>Token cache, circuits and lanes keep a failing upstream from affecting other tools and other workers.</summary>
public sealed class WorkerGuardTests(SharedStores stores)
{
    [Fact]
    public async Task The_eBay_token_is_fetched_once_per_worker_and_again_when_it_is_rejected()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => system.SearchProductsAsync($"kettle {i}")));
        Assert.Equal((1, 8), (system.Requests("ebay", "token").Started, system.Requests("ebay", "search").Completed));

        system.Upstreams.RevokeEbayTokens();
        var results = await Task.WhenAll(Enumerable.Range(8, 8).Select(i => system.SearchProductsAsync($"kettle {i}")));

        Assert.All(results, result => Assert.Empty(result.FailedSources));
        Assert.Equal((2, 16), (system.Requests("ebay", "token").Started, system.Requests("ebay", "search").Completed));
        // the searches that ran when the token was revoked: at most two run concurrently
        Assert.InRange(system.Requests("ebay", "search").Refused, 1, 2);
    }

    [Fact]
    public async Task A_token_that_is_always_rejected_is_not_fetched_endlessly()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);
        system.Upstreams.DirectRest("[[emu at=ebay/token uses=0]]");

        var result = await system.SearchProductsAsync("kettle");

        Assert.Equal(["ebay"], result.FailedSources);
        Assert.Equal(2, system.Requests("ebay", "search").Refused);
    }

    [Fact]
    public async Task A_circuit_opened_by_one_worker_stops_the_requests_of_all_workers_and_of_no_other_tool()
    {
        await using var system = await WorkerSystem.StartAsync(
            stores, workers: 2, ("CIRCUIT_SERPER_THRESHOLD", "2"), ("CIRCUIT_SERPER_COOLDOWN_MS", "600000"));
        system.Upstreams.DirectRest("[[emu at=serper/search status=500]]");

        // The two attempts of one job are two failures, which is the threshold. Either worker may run them.
        var first = Assert.IsType<ToolJobOutcome.Failed>(await system.RunAsync(QueuedTool.SearchWeb.Lane, "first"));
        var requests = await WaitUntilOpenAsync(system);
        var refused = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => system.RunAsync(QueuedTool.SearchWeb.Lane, $"later {i}")));

        Assert.NotNull(first.Backpressure);
        Assert.All(refused, outcome => Assert.Equal(new ToolJobOutcome.Failed("serper_search: the circuit is open.", null), outcome));
        Assert.Equal(requests, system.Requests("serper", "search").Started);
        Assert.Empty((await system.SearchProductsAsync("kettle")).FailedSources);
        Assert.IsType<ToolJobOutcome.Completed>(await system.RunAsync(QueuedTool.SearchGlobal.Lane, "kettle"));
    }

    [Fact]
    public async Task A_hanging_upstream_delays_its_own_lane_only()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1, ("CIRCUIT_SERPER_THRESHOLD", "100"));
        system.Upstreams.DirectRest("[[emu at=serper/search hang=before-headers]]");
        using var abort = new CancellationTokenSource();
        var hanging = Enumerable.Range(0, 20).Select(
            i => system.RunAsync(QueuedTool.SearchWeb.Lane, $"hanging {i}", cancellationToken: abort.Token)).ToArray();
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 2);

        // These jobs start after the hanging lane is full, and end while it still is.
        for (var i = 0; i < 10; i++)
        {
            Assert.Empty((await system.SearchProductsAsync($"kettle {i}")).FailedSources);
            Assert.IsType<ToolJobOutcome.Completed>(await system.RunAsync(QueuedTool.SearchGlobal.Lane, $"kettle {i}"));
        }

        Assert.True(await system.Queue.CountAsync("tool_jobs WHERE tool = 'search_web' AND status IN ('queued', 'running')") >= 18);
        Assert.InRange(system.Requests("serper", "search").Active, 0, 2);
        await abort.CancelAsync();
        Assert.All(await Task.WhenAll(hanging), outcome => Assert.IsNotType<ToolJobOutcome.Completed>(outcome));
    }

    /// <summary>
    /// Sends jobs until the circuit is open in both workers. The second worker adopts the state from Redis later than the first, and no
    /// signal reports it.
    /// </summary>
    /// <returns>The number of requests to the upstream until then.</returns>
    private static async Task<long> WaitUntilOpenAsync(WorkerSystem system)
    {
        for (var round = 0; ; round++)
        {
            var before = system.Requests("serper", "search").Started;
            var probes = await Task.WhenAll(
                Enumerable.Range(0, 8).Select(i => system.RunAsync(QueuedTool.SearchWeb.Lane, $"probe {round} {i}")));
            if (probes.All(outcome => outcome is ToolJobOutcome.Failed { Error: "serper_search: the circuit is open." }))
            {
                return before;
            }

            Assert.True(round < 10, "the circuit did not open in both workers");
        }
    }
}
