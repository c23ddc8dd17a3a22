using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ToolJobs;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>
/// Tool workers as separate processes, on real stores, with the emulator of all upstreams. The client of the queue is in the test process.
/// </summary>
internal sealed class WorkerSystem : IAsyncDisposable
{
    /// <summary>The time that a job may take.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(90);

    private readonly Dictionary<string, string?> _environment;

    private WorkerSystem(QueueRig queue, UpstreamEmulatorHost upstreams)
    {
        (Queue, Upstreams) = (queue, upstreams);
        _environment = new(queue.Environment, StringComparer.Ordinal)
        {
            ["SERPER_BASE_URL"] = upstreams.Serper.ToString(),
            ["SERPAPI_BASE_URL"] = upstreams.SerpApi.ToString(),
            ["EBAY_BASE_URL"] = upstreams.Ebay.ToString(),
            ["SERPER_API_KEY"] = "test",
            ["EBAY_CLIENT_ID"] = "test",
            ["EBAY_CLIENT_SECRET"] = "test",
        };
    }

    public QueueRig Queue { get; }

    public UpstreamEmulatorHost Upstreams { get; }

    public List<WorkerProcess> Workers { get; } = [];

    public static async Task<WorkerSystem> StartAsync(SharedStores stores, int workers, params (string Name, string Value)[] knobs)
    {
        // Parallel tests may delay responses of Redis beyond the default. Other tests cover slow responses.
        var queue = await QueueRig.StartAsync(
            stores, [], null, [("REDIS_DECISION_TIMEOUT_MS", "1000"), ("TOOL_JOB_RETRY_BASE_MS", "100"), .. knobs]);
        var system = new WorkerSystem(queue, await UpstreamEmulatorHost.StartAsync());
        for (var i = 0; i < workers; i++)
        {
            await system.AddWorkerAsync();
        }

        return system;
    }

    public async Task<WorkerProcess> AddWorkerAsync()
    {
        var worker = await WorkerProcess.StartAsync(_environment);
        Workers.Add(worker);
        return worker;
    }

    /// <summary>Runs a job to its end.</summary>
    /// <param name="query">It may contain markers for the emulated upstreams.</param>
    public Task<ToolJobOutcome> RunAsync(
        ToolLane lane, string query, ToolJobCacheSlot? cache = null, CancellationToken cancellationToken = default) =>
        Queue.Client.RunAsync(new(lane, Arguments(lane, query), $"user:{query}", cache), MaxWait, cancellationToken);

    /// <summary>Runs a product search that must succeed.</summary>
    public async Task<ProductsResult> SearchProductsAsync(string query, ToolJobCacheSlot? cache = null) =>
        JsonSerializer.Deserialize(
            Assert.IsType<ToolJobOutcome.Completed>(await RunAsync(QueuedTool.SearchProducts.Lane, query, cache)).Result,
            ToolJson.Default.ProductsResult)!;

    /// <summary>The counters of the requests to this route.</summary>
    public StatsCounts Requests(string upstream, string route) => Upstreams.Stats.Snapshot().Of(upstream, route);

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in Workers)
        {
            await worker.DisposeAsync();
        }

        await Queue.DisposeAsync();
        await Upstreams.DisposeAsync();
    }

    private static string Arguments(ToolLane lane, string query) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new(query), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane
        ? JsonSerializer.Serialize(new(query, 6) { MaxPrice = 60 }, ToolJson.Default.SearchProductsArguments)
        : JsonSerializer.Serialize(new(query), ToolJson.Default.SearchGlobalArguments);
}

/// <summary>One worker that all tests of a class share. Its circuit thresholds are so high that no circuit opens.</summary>
public sealed class WorkerSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal WorkerSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await WorkerSystem.StartAsync(
        stores, workers: 1, ("CIRCUIT_SERPER_THRESHOLD", "100"), ("CIRCUIT_EBAY_THRESHOLD", "100"),
        ("CIRCUIT_GLOBAL_SEARCH_THRESHOLD", "100"));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}
