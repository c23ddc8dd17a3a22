using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ToolJobs;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>Tool workers as they run: processes of their own, on real stores, before the emulated upstreams. The turns that ask are in the test.</summary>
internal sealed class WorkerSystem : IAsyncDisposable
{
    /// <summary>For what should end by itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Dictionary<string, string?> _environment;

    private WorkerSystem(QueueRig turns, UpstreamEmulatorHost upstreams)
    {
        (Turns, Upstreams) = (turns, upstreams);
        _environment = new(turns.Environment, StringComparer.Ordinal)
        {
            ["SERPER_BASE_URL"] = upstreams.Serper.ToString(),
            ["SERPAPI_BASE_URL"] = upstreams.SerpApi.ToString(),
            ["EBAY_BASE_URL"] = upstreams.Ebay.ToString(),
            ["SERPER_API_KEY"] = "test",
            ["EBAY_CLIENT_ID"] = "test",
            ["EBAY_CLIENT_SECRET"] = "test",
        };
    }

    public QueueRig Turns { get; }

    public UpstreamEmulatorHost Upstreams { get; }

    public List<WorkerProcess> Workers { get; } = [];

    public static async Task<WorkerSystem> StartAsync(SharedStores stores, int workers, params (string Name, string Value)[] knobs)
    {
        // A machine that is busy with tests may keep Redis waiting; what happens then has tests of its own.
        var turns = await QueueRig.StartAsync(stores, [], null, [("REDIS_DECISION_TIMEOUT_MS", "1000"), ("TOOL_JOB_RETRY_BASE_MS", "100"), .. knobs]);
        var system = new WorkerSystem(turns, await UpstreamEmulatorHost.StartAsync());
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

    /// <param name="query">May hold markers for the upstreams.</param>
    public Task<ToolJobOutcome> AskAsync(ToolLane lane, string query, ToolJobCacheSlot? cache = null, CancellationToken cancellationToken = default) =>
        Turns.Client.RunAsync(new(lane, Arguments(lane, query), $"user:{query}", cache), Patience, cancellationToken);

    public async Task<ProductsResult> ProductsAsync(string query, ToolJobCacheSlot? cache = null) =>
        JsonSerializer.Deserialize(Assert.IsType<ToolJobOutcome.Completed>(await AskAsync(QueuedTool.SearchProducts.Lane, query, cache)).Result, ToolJson.Default.ProductsResult)!;

    public StatsCounts Asked(string upstream, string route) => Upstreams.Stats.Snapshot().Of(upstream, route);

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in Workers)
        {
            await worker.DisposeAsync();
        }

        await Turns.DisposeAsync();
        await Upstreams.DisposeAsync();
    }

    private static string Arguments(ToolLane lane, string query) =>
        lane == QueuedTool.SearchWeb.Lane ? JsonSerializer.Serialize(new(query), ToolJson.Default.SearchWebArguments)
        : lane == QueuedTool.SearchProducts.Lane ? JsonSerializer.Serialize(new(query, 6) { MaxPrice = 60 }, ToolJson.Default.SearchProductsArguments)
        : JsonSerializer.Serialize(new(query), ToolJson.Default.SearchGlobalArguments);
}

/// <summary>One worker that the tests which break nothing share; its circuits stay closed.</summary>
public sealed class WorkerSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal WorkerSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await WorkerSystem.StartAsync(
        stores, workers: 1, ("CIRCUIT_SERPER_THRESHOLD", "100"), ("CIRCUIT_EBAY_THRESHOLD", "100"), ("CIRCUIT_GLOBAL_SEARCH_THRESHOLD", "100"));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}
