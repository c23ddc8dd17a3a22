using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>Works all lanes off until the host stops, then lets the jobs in work end.</summary>
internal sealed class Lanes(
    ToolJobBroker broker,
    ToolJobLeases claims,
    ToolJobSignals signals,
    WorkerSlots places,
    JobRuns runs,
    IOptionsMonitor<ToolJobOptions> options,
    IOptionsMonitor<LaneOptions> drain,
    TimeProvider time,
    ILogger<Lanes> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(ToolLane.All.Select(lane => new LaneRunner(lane, broker, claims, signals, places, runs, options, time, logger).RunAsync(stoppingToken)));
        await runs.DrainAsync(TimeSpan.FromMilliseconds(drain.CurrentValue.DrainMs));
    }
}

internal sealed class LaneOptions
{
    /// <summary>How long a stopping worker lets jobs end before it hands them back.</summary>
    [Knob("TOOL_WORKER_DRAIN_MS"), Range(0, 300_000)]
    public int DrainMs { get; set; } = 15_000;
}

internal static class LaneServices
{
    /// <summary>What the host gives services beyond the drain, for handing back and closing connections.</summary>
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(15);

    /// <summary>Register this last: what jobs need must outlive them.</summary>
    public static IServiceCollection AddLanes(this IServiceCollection services)
    {
        services.AddKnobs<LaneOptions>().AddKnobs<BulkheadOptions>();
        services.AddSingleton<WorkerSlots>();
        services.AddSingleton<JobRuns>();
        services.AddSingleton<HeldJobs>();
        services.AddHostedService(provider => provider.GetRequiredService<HeldJobs>());
        services.AddHostedService<Lanes>();
        services.AddOptions<HostOptions>().Configure<IOptionsMonitor<LaneOptions>>((host, lanes) => host.ShutdownTimeout = TimeSpan.FromMilliseconds(lanes.CurrentValue.DrainMs) + AfterDrain);
        return services;
    }
}
