using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations;
using Sendcat.Integrations.Tools;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.ToolWorker.Jobs;
using Sendcat.UnitTests.Architecture;
using Sendcat.UnitTests.Reliability;

namespace Sendcat.UnitTests.Tools;

/// <summary>Walks all queued tools, all other queued work and all providers: each must be everywhere.</summary>
public sealed class QueuedToolTests
{
    private static readonly string[] Names = [.. QueuedTool.All.Select(tool => tool.Name)];

    [Fact]
    public void Every_tool_that_is_declared_is_in_the_list()
    {
        var declared = typeof(QueuedTool).GetFields().Where(field => field.FieldType == typeof(QueuedTool))
            .Select(field => (QueuedTool)field.GetValue(null)!);

        Assert.Equal(declared.Select(tool => tool.Name).Order(), Names.Order());
    }

    [Fact]
    public void Every_tool_has_a_lane_number_and_a_cache_of_its_own()
    {
        Assert.Equal(Names.Length, QueuedTool.All.Select(tool => tool.Lane.Number).Distinct().Count());
        Assert.Equal(Names, QueuedTool.All.Select(tool => tool.Cache.Name));
        Assert.Equal(Names.Length, QueuedTool.All.Select(tool => tool.Spoken).Distinct().Count());
    }

    [Fact]
    public void The_numbers_of_lanes_never_change()
    {
        // Two builds run side by side during a rollout, and the number is the lock under which both count a lane.
        var numbers = QueuedWork.AllLanes.ToDictionary(lane => lane.Tool, lane => lane.Number);
        (string Tool, int Number)[] released =
            [("search_web", 1), ("search_products", 2), ("search_global", 3), ("deliveries", 4), ("mail_sync", 5), ("messages", 6)];
        Assert.All(released, lane => Assert.Equal(lane.Number, numbers[lane.Tool]));
        Assert.Equal(numbers.Count, numbers.Values.Distinct().Count());
    }

    [Fact]
    public void The_how_to_uses_the_next_free_number()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "how-to", "add-a-tool.md"));

        var lanes = QueuedWork.AllLanes.Where(lane => lane.Tool != "track_parcel");
        Assert.Contains($"new(\"track_parcel\", Number: {lanes.Max(lane => lane.Number) + 1},", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_tool_has_limits_of_its_own_knobs()
    {
        foreach (var tool in QueuedTool.All)
        {
            var prefix = KnobPrefixes(tool).Select(name => (name, "7")).ToArray();
            using var process = IsolatedProcess.Services(TimeProvider.System, prefix);
            var limits = new LaneCatalog(QueuedTool.All.Select(known => known.Lane), process.GetRequiredService<CurrentKnobs>())
                .LimitsOf(tool.Lane);

            Assert.Equal((7, 7), (limits.Queued, limits.Running));
        }
    }

    [Fact]
    public void A_cache_namespace_belongs_to_the_tool_that_its_name_begins_with()
    {
        using var process = IsolatedProcess.Services(TimeProvider.System);
        var spaces = ActivatorUtilities.CreateInstance<ToolCacheNamespaces>(process.CreateScope().ServiceProvider);

        Assert.All(QueuedTool.All, tool =>
        {
            Assert.Equal(spaces.Of(tool.Cache), spaces.Named(spaces.Of(tool.Cache).Name));
            Assert.Equal(spaces.Of(tool.Cache).Ttl, spaces.Named($"{tool.Name}_v0")!.Ttl);
        });
        Assert.Null(spaces.Named("search_maps_v1"));
    }

    [Fact]
    public void The_worker_has_one_handler_for_every_lane()
    {
        var handlers = typeof(IToolHandler).Assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IToolHandler)));

        Assert.Equal(QueuedWork.AllLanes.Count, handlers.Count());
    }

    [Fact]
    public void Every_other_work_is_in_the_list_and_has_limits_retries_and_thresholds_of_its_own()
    {
        var declared = typeof(QueuedWork).GetFields().Where(field => field.FieldType == typeof(QueuedWork))
            .Select(field => (QueuedWork)field.GetValue(null)!);
        using var process = IsolatedProcess.Services(
            TimeProvider.System, ("DELIVERY_LANE_RUNMAX", "7"), ("DELIVERY_RETRY_BASE_MS", "100"), ("DELIVERY_ALERT_MAX_DLQ", "9"));
        var (lanes, lane) = (new LaneCatalog(QueuedWork.AllLanes, process.GetRequiredService<CurrentKnobs>()), QueuedWork.Deliveries.Lane);

        Assert.Equal(declared, QueuedWork.All);
        Assert.Equal(QueuedWork.AllLanes.Count, QueuedWork.AllLanes.Select(other => other.Tool).Distinct().Count());
        Assert.Equal(
            (null, null, 7, 7),
            (lanes.LimitsOf(lane).Queued, lanes.LimitsOf(lane).PerPrincipal, lanes.LimitsOf(lane).Running,
                lanes.LimitsOf(lane).MaxConcurrent));
        Assert.Equal((100, 200), (lanes.RetryDelayOf(lane, 1, 0).TotalMilliseconds, lanes.RetryDelayOf(lane, 2, 0).TotalMilliseconds));
        Assert.Equal((9, null), (lanes.ThresholdsOf(lane)?.MaxDeadLetters, lanes.ThresholdsOf(QueuedTool.SearchWeb.Lane)));
    }

    [Fact]
    public void The_API_has_one_tool_for_every_queued_tool()
    {
        var services = new ServiceCollection().AddTools();
        var types = services.Where(service => service.ServiceType == typeof(ITool)).Select(service => service.ImplementationType!.Name);

        Assert.All(
            Names,
            name =>
                Assert.Contains($"{string.Concat(name.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]))}Tool", types));
    }

    [Fact]
    public void Every_provider_of_a_tool_is_registered_with_limits_of_its_own()
    {
        using var process = IsolatedProcess.Services(TimeProvider.System);
        var (catalog, circuits, bulkheads) =
            (process.GetRequiredService<ProviderCatalog>(), process.GetRequiredService<Circuits>(),
                process.GetRequiredService<Bulkheads>());

        Assert.All(
            QueuedTool.All.SelectMany(tool => tool.Providers).Concat(QueuedWork.All.SelectMany(work => work.Providers)),
            provider => Assert.Contains(provider, catalog.All));
        Assert.All(catalog.All, provider =>
        {
            Assert.True(circuits.PolicyOf(provider.Name).Threshold > 0);
            Assert.True(bulkheads.LimitsOf(provider.Name).MaxConcurrent > 0);
        });
        Assert.Equal(catalog.All.Select(provider => provider.Name), circuits.States().Select(circuit => circuit.Provider));
        Assert.Throws<ArgumentException>(() => circuits.PolicyOf("unknown"));
        Assert.Throws<ArgumentException>(() => bulkheads.LimitsOf("unknown"));
    }

    /// <summary>The knobs for the two caps of a tool, found in its own options class.</summary>
    private static IEnumerable<string> KnobPrefixes(QueuedTool tool)
    {
        var services = new ServiceCollection();
        tool.AddKnobs(services);
        return from known in services.Select(service => service.ImplementationInstance).OfType<KnobClass>()
               from knob in known.Knobs
               where knob.Name.StartsWith("TOOL_JOB_", StringComparison.Ordinal)
               select knob.Name;
    }
}
