using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Runs all lanes until the host stops, then waits for the running jobs.</summary>
internal sealed class Lanes(
    LaneCatalog lanes,
    ToolJobBroker broker,
    ToolJobLeases leases,
    ToolJobSignals signals,
    WorkerSlots slots,
    JobRuns runs,
    IOptionsMonitor<ToolJobOptions> options,
    Drain drain,
    IOptionsMonitor<LaneOptions> laneOptions,
    TimeProvider time,
    StoreOutages outages,
    ILogger<Lanes> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(lanes.All.Select(lane =>
            new LaneRunner(lane, lanes, broker, leases, signals, slots, runs, drain, options, time, outages, logger)
                .RunAsync(stoppingToken)));
        await runs.DrainAsync(TimeSpan.FromMilliseconds(laneOptions.CurrentValue.DrainMs));
    }
}

internal sealed class LaneOptions
{
    /// <summary>Time that a stopping worker waits for its running jobs before it requeues them.</summary>
    [Knob("TOOL_WORKER_DRAIN_MS"), Range(0, 300_000)]
    public int DrainMs { get; set; } = 15_000;
}

internal static class LanesFeature
{
    /// <summary>Additional time of the host shutdown after the drain, for requeueing jobs and closing connections.</summary>
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Registers the lanes. Call it last: services stop in reverse order, and jobs need the others until they have ended.
    /// </summary>
    public static IServiceCollection AddLanes(this IServiceCollection services)
    {
        services.AddKnobs<LaneOptions>().AddKnobs<BulkheadOptions>();
        services.AddSingleton<WorkerSlots>();
        services.AddSingleton<JobRuns>();
        services.AddSingleton<HeldJobs>();
        services.AddHostedService(provider => provider.GetRequiredService<HeldJobs>());
        services.AddSingleton<IProcessLoad, WorkerLoad>();
        services.AddHostedService<Lanes>();
        services.AddOptions<HostOptions>().Configure<IOptionsMonitor<LaneOptions>>((host, lanes) =>
            host.ShutdownTimeout = TimeSpan.FromMilliseconds(lanes.CurrentValue.DrainMs) + AfterDrain);
        return services;
    }
}
