using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.ToolJobs.Bulk;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Messages;
using Sendcat.Reliability.ToolJobs.Recovery;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.Reliability.ToolJobs;

public static class ToolJobsFeature
{
    /// <summary>
    /// Registers the access to the job tables, the outbox publisher, the signals and <see cref="ToolJobClient"/>. Needs an
    /// <c>NpgsqlDataSource</c> with the migrated schema and an <c>IConnectionMultiplexer</c>.
    /// </summary>
    /// <param name="connect">Returns the process's single connection to the broker; opens it when necessary.</param>
    public static IServiceCollection AddToolJobs(
        this IServiceCollection services, Func<IServiceProvider, Func<CancellationToken, Task<IConnection>>> connect)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddStoreOutages();
        services.AddKnobs<ToolJobOptions>().AddKnobs<ChatGatewayOptions>().AddKnobs<PostgresOptions>();
        services.TryAddSingleton<RequestDatabase>();
        services.TryAddSingleton<LaneCatalog>();
        services.TryAddSingleton<ToolJobMetrics>();
        services.TryAddSingleton(provider => new ToolJobBroker(
            connect(provider), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<StoreOutages>().RabbitMq));
        services.TryAddSingleton<ToolJobLedger>();
        services.TryAddSingleton<ToolJobLeases>();
        services.TryAddSingleton<ToolJobStatistics>();
        services.TryAddSingleton<ToolJobHistory>();
        services.TryAddSingleton<DeadLetters>();
        services.TryAddSingleton<JobRecovery>();
        services.TryAddSingleton<ToolJobClient>();
        services.AddBackgroundService<ToolJobSignals>();
        services.AddBackgroundService<OutboxPublisher>();
        services.AddBackgroundService<ToolJobWaiters>();
        return services;
    }

    /// <summary>Lets this process run the <see cref="Sweeper"/>. One process is enough; more are allowed.</summary>
    public static IServiceCollection AddToolJobSweeper(this IServiceCollection services)
    {
        services.AddBackgroundService<Sweeper>();
        return services;
    }

    /// <summary>Lets this process change all dead letters that match a filter. Needs <see cref="LaneObstacles"/>.</summary>
    public static IServiceCollection AddBulkChanges(this IServiceCollection services)
    {
        services.TryAddSingleton<BulkChanges>();
        services.AddBackgroundService<BulkRunner>();
        return services;
    }

    private static void AddBackgroundService<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        if (services.Any(service => service.ServiceType == typeof(T)))
        {
            // A second registration would start the service twice.
            return;
        }

        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
