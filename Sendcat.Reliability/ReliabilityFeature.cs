using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Events;
using Sendcat.Reliability.Idempotency;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Recovery;
using StackExchange.Redis;

namespace Sendcat.Reliability;

public static class ReliabilityFeature
{
    /// <summary>Name of the meter, for the telemetry configuration.</summary>
    public const string MeterName = ReliabilityMetrics.MeterName;

    /// <summary>
    /// Adds all guards with their background services. Requires an <see cref="IConnectionMultiplexer"/> (with <c>abortConnect=false</c>)
    /// and an <see cref="NpgsqlDataSource"/>. Register the service that drains turns after this call: hosted services stop in reverse
    /// order, so the guards release the leases that are still held after the drain.
    /// </summary>
    public static IServiceCollection AddReliability(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ReliabilityMetrics>();
        services.AddStoreOutages();
        services.TryAddSingleton<RequestDatabase>();
        return services.AddReliabilityKnobs().AddClaims().AddGuards().AddReliabilityDb();
    }

    /// <summary>
    /// Adds the checks of the tool queue; one replica at a time runs a check. Requires <see cref="ToolJobsFeature.AddToolJobs"/>.
    /// </summary>
    public static IServiceCollection AddToolQueueWatch(this IServiceCollection services)
    {
        services.AddKnobs<ToolQueueAlertOptions>();
        services.TryAddSingleton<QueueGauge>(provider => async cancellationToken =>
        {
            // The check does not use ended jobs, so the window of the statistics is zero.
            var reading = await provider.GetRequiredService<ToolJobStatistics>().ReadAsync(TimeSpan.Zero, cancellationToken);
            return StateOf(reading, provider.GetRequiredService<LaneCatalog>());
        });
        services.TryAddSingleton(provider => new QueueAlerts(
            provider.GetRequiredService<QueueGauge>(),
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<IOptionsMonitor<ToolQueueAlertOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ReliabilityMetrics>(),
            provider.GetRequiredService<ILogger<QueueAlerts>>()));
        services.AddUpkeep<QueueWatch>();
        return services;
    }

    private static QueueState StateOf(ToolQueueReading reading, LaneCatalog lanes)
    {
        var own = lanes.All.Where(lane => lane.Alerts is not null)
            .ToDictionary(lane => lane.Tool, lane => lanes.ThresholdsOf(lane)!.Value, StringComparer.Ordinal);
        var shared = reading.Lanes.Where(lane => !own.ContainsKey(lane.Tool)).ToArray();
        return new(
            shared.Sum(lane => lane.QueuedDue),
            shared.Sum(lane => lane.DeadLetters),
            shared.Select(lane => lane.OldestQueued).DefaultIfEmpty().Max(),
            shared.Select(lane => lane.OldestRunning).DefaultIfEmpty().Max())
        {
            Lanes =
            [
                .. from lane in reading.Lanes
                   where own.ContainsKey(lane.Tool)
                   let most = own[lane.Tool]
                   select new LaneState(
                       lane.Tool, (lane.QueuedDue, most.MaxQueued), (lane.DeadLetters, most.MaxDeadLetters),
                       (lane.OldestQueued, most.MaxQueuedAge), (lane.OldestRunning, most.MaxRunningAge)),
            ],
        };
    }

    internal static IServiceCollection AddReliabilityKnobClasses(this IServiceCollection services) =>
        services
            .AddKnobs<RolloutOptions>()
            .AddKnobs<ChatGatewayOptions>()
            .AddKnobs<RegionOptions>()
            .AddKnobs<PostgresOptions>()
            .AddKnobs<RedisOptions>()
            .AddKnobs<AdmissionOptions>()
            .AddKnobs<RateLimitOptions>()
            .AddKnobs<CircuitOptions>()
            .AddKnobs<BulkheadOptions>()
            .AddKnobs<ToolCacheOptions>()
            .AddKnobs<ToolJobOptions>()
            .AddKnobs<ToolQueueAlertOptions>()
            .AddKnobs<OpsOptions>();

    private static IServiceCollection AddReliabilityKnobs(this IServiceCollection services)
    {
        services.AddReliabilityKnobClasses();
        services.TryAddSingleton<ProviderCatalog>();
        services.AddUpkeep<KnobOverrideWatch>();
        services.TryAddSingleton<OperatorAudit>();
        services.TryAddSingleton<OperatorKeys>();
        services.TryAddSingleton<SnapshotStore>();
        services.TryAddSingleton<EventHistory>();
        services.TryAddSingleton<IncidentTimeline>();
        services.TryAddSingleton(provider => new Processes(
            provider.GetRequiredService<ReplicaLeases>(), provider.GetRequiredService<IConnectionMultiplexer>(),
                provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new ReplicaLeases(provider.GetRequiredService<GuardedRedis>()));
        services.TryAddSingleton(provider => new CleanUps(
            provider.GetRequiredService<RateLimitEvents>(), provider.GetRequiredService<WebhookInbox>(),
            provider.GetRequiredService<JobRecovery>()));
        services.TryAddSingleton<AlertDesk>();
        services.TryAddSingleton(provider => new ConditionStore(
            provider.GetRequiredService<RequestDatabase>(),
            provider.GetRequiredService<LiveReplicas>(),
            provider.GetRequiredService<IOptionsMonitor<ToolJobOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new KnobOverrideStore(
            provider.GetRequiredService<KnobRegistry>(),
            provider.GetRequiredService<KnobOverrideWatch>(),
            provider.GetRequiredService<RequestDatabase>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<KnobOverrideStore>>()));
        return services;
    }

    private static IServiceCollection AddClaims(this IServiceCollection services)
    {
        services.TryAddSingleton(_ => ReplicaId.New());
        services.AddUpkeep<IncidentMarks>();
        services.TryAddSingleton<GuardedRedis>();
        services.TryAddSingleton<LocalClaims>();
        services.TryAddSingleton<LeaseRevocation>();
        services.TryAddSingleton<RunLeases>();
        services.AddUpkeep<LeaseKeeper>();
        services.AddUpkeep<ReplicaHeartbeat>();
        services.TryAddSingleton<LiveReplicas>();
        services.TryAddSingleton(provider => new ClaimStore(
            provider.GetRequiredService<GuardedRedis>(),
            provider.GetRequiredService<LeaseKeeper>(),
            provider.GetRequiredService<LocalClaims>(),
            provider.GetRequiredService<ReplicaId>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ReliabilityMetrics>()));
        services.AddHostedService<ClaimWarmUp>();
        services.TryAddSingleton<Drain>();
        services.AddUpkeep<ProcessPresence>();
        services.AddUpkeep<StoreRestarts>();
        return services;
    }

    private static IServiceCollection AddGuards(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => new RateLimitEvents(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ReliabilityMetrics>(),
            provider.GetRequiredService<StoreOutages>(),
            provider.GetRequiredService<ILogger<RateLimitEvents>>()));
        services.AddHostedService(provider => provider.GetRequiredService<RateLimitEvents>());

        services.TryAddSingleton(provider => new AdmissionController(
            provider.GetRequiredService<ClaimStore>(),
            provider.GetRequiredService<GuardedRedis>(),
            provider.GetRequiredService<LeaseRevocation>(),
            provider.GetRequiredService<RateLimitEvents>(),
            provider.GetRequiredService<IOptionsMonitor<AdmissionOptions>>(),
            provider.GetRequiredService<IOptionsMonitor<ChatGatewayOptions>>(),
            provider.GetRequiredService<ReliabilityMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<AdmissionController>>()));

        services.TryAddSingleton(provider => new RateLimiter(
            provider.GetRequiredService<ClaimStore>(),
            provider.GetRequiredService<RateLimitEvents>(),
            provider.GetRequiredService<IOptionsMonitor<RateLimitOptions>>(),
            provider.GetRequiredService<ReliabilityMetrics>()));

        services.AddUpkeep<CircuitSharing>();
        services.TryAddSingleton(provider => new Circuits.Circuits(
            provider.GetRequiredService<CircuitSharing>(),
            provider.GetRequiredService<GuardedRedis>(),
            provider.GetRequiredService<ReplicaId>(),
            provider.GetRequiredService<ProviderCatalog>(),
            provider.GetRequiredService<IOptionsMonitor<CircuitOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<RateLimitEvents>(),
            provider.GetRequiredService<IncidentMarks>(),
            provider.GetRequiredService<ReliabilityMetrics>(),
            provider.GetRequiredService<ILogger<Circuits.Circuits>>()));

        services.TryAddSingleton<SlotTurnover>();
        services.TryAddSingleton(provider => new Bulkheads.Bulkheads(
            provider.GetRequiredService<ClaimStore>(),
            provider.GetRequiredService<GuardedRedis>(),
            provider.GetRequiredService<LeaseKeeper>(),
            provider.GetRequiredService<SlotTurnover>(),
            provider.GetRequiredService<ProviderCatalog>(),
            provider.GetRequiredService<IOptionsMonitor<BulkheadOptions>>(),
            provider.GetRequiredService<ReliabilityMetrics>(),
            provider.GetRequiredService<ILogger<Bulkheads.Bulkheads>>()));
        return services;
    }

    /// <summary>Adds a singleton that other services use and that the host also runs as a hosted service.</summary>
    private static void AddUpkeep<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        services.TryAddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
