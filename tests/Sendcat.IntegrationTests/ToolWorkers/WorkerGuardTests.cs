using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>What keeps one bad upstream from hurting more than itself, over all workers.</summary>
public sealed class WorkerGuardTests(SharedStores stores)
{
    [Fact]
    public async Task Ebays_token_is_fetched_once_by_a_worker_and_once_more_when_it_is_refused()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => system.ProductsAsync($"kettle {i}")));
        Assert.Equal((1, 8), (system.Asked("ebay", "token").Started, system.Asked("ebay", "search").Completed));

        system.Upstreams.RevokeEbayTokens();
        var results = await Task.WhenAll(Enumerable.Range(8, 8).Select(i => system.ProductsAsync($"kettle {i}")));

        Assert.All(results, result => Assert.Empty(result.FailedSources));
        Assert.Equal((2, 16), (system.Asked("ebay", "token").Started, system.Asked("ebay", "search").Completed));
        Assert.InRange(system.Asked("ebay", "search").Refused, 1, 2); // those that ran when it was revoked: no more than run at once
    }

    [Fact]
    public async Task A_token_that_is_good_for_nothing_is_not_fetched_for_ever()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1);
        system.Upstreams.DirectRest("[[emu at=ebay/token uses=0]]");

        var result = await system.ProductsAsync("kettle");

        Assert.Equal(["ebay"], result.FailedSources);
        Assert.Equal(2, system.Asked("ebay", "search").Refused);
    }

    [Fact]
    public async Task A_circuit_that_one_worker_opened_keeps_all_workers_from_asking_and_no_other_tool()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 2, ("CIRCUIT_SERPER_THRESHOLD", "2"), ("CIRCUIT_SERPER_COOLDOWN_MS", "600000"));
        system.Upstreams.DirectRest("[[emu at=serper/search status=500]]");

        // Two attempts of one job are two failures: the threshold, whichever worker made them.
        var first = Assert.IsType<ToolJobOutcome.Failed>(await system.AskAsync(QueuedTool.SearchWeb.Lane, "first"));
        var asked = await WhenOpenAsync(system);
        var refused = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => system.AskAsync(QueuedTool.SearchWeb.Lane, $"later {i}")));

        Assert.NotNull(first.Backpressure);
        Assert.All(refused, outcome => Assert.Equal(new ToolJobOutcome.Failed("serper_search: the circuit is open.", null), outcome));
        Assert.Equal(asked, system.Asked("serper", "search").Started);
        Assert.Empty((await system.ProductsAsync("kettle")).FailedSources);
        Assert.IsType<ToolJobOutcome.Completed>(await system.AskAsync(QueuedTool.SearchGlobal.Lane, "kettle"));
    }

    [Fact]
    public async Task A_dead_upstream_holds_up_its_own_lane_alone()
    {
        await using var system = await WorkerSystem.StartAsync(stores, workers: 1, ("CIRCUIT_SERPER_THRESHOLD", "100"));
        system.Upstreams.DirectRest("[[emu at=serper/search hang=before-headers]]");
        using var abort = new CancellationTokenSource();
        var dead = Enumerable.Range(0, 20).Select(i => system.AskAsync(QueuedTool.SearchWeb.Lane, $"dead {i}", cancellationToken: abort.Token)).ToArray();
        await system.Upstreams.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active == 2);

        // Each of these began after the dead lane was full, and all end while it still is.
        for (var i = 0; i < 10; i++)
        {
            Assert.Empty((await system.ProductsAsync($"kettle {i}")).FailedSources);
            Assert.IsType<ToolJobOutcome.Completed>(await system.AskAsync(QueuedTool.SearchGlobal.Lane, $"kettle {i}"));
        }

        Assert.True(await system.Turns.CountAsync("tool_jobs WHERE tool = 'search_web' AND status IN ('queued', 'running')") >= 18);
        Assert.InRange(system.Asked("serper", "search").Active, 0, 2);
        await abort.CancelAsync();
        Assert.All(await Task.WhenAll(dead), outcome => Assert.IsNotType<ToolJobOutcome.Completed>(outcome));
    }

    /// <summary>A circuit is told of in Redis; the other worker hears of it a moment later. What was asked by then.</summary>
    private static async Task<long> WhenOpenAsync(WorkerSystem system)
    {
        for (var closed = 0; ; closed++)
        {
            var before = system.Asked("serper", "search").Started;
            var probes = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => system.AskAsync(QueuedTool.SearchWeb.Lane, $"probe {closed} {i}")));
            if (probes.All(outcome => outcome is ToolJobOutcome.Failed { Error: "serper_search: the circuit is open." }))
            {
                return before;
            }

            Assert.True(closed < 10, "the circuit never opened everywhere");
        }
    }
}
