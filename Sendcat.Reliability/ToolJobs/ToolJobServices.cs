using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolJobs;

public static class ToolJobServices
{
    /// <summary>
    /// The record, the outbox, the signals and <see cref="ToolJobClient"/>. Needs an <c>NpgsqlDataSource</c> with the migrated schema and an <c>IConnectionMultiplexer</c>.
    /// </summary>
    /// <param name="connect">Hands out the process's one connection to the broker.</param>
    public static IServiceCollection AddToolJobs(this IServiceCollection services, Func<IServiceProvider, Func<CancellationToken, Task<IConnection>>> connect)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.AddKnobs<ToolJobOptions>().AddKnobs<ChatGatewayOptions>();
        services.TryAddSingleton<ToolJobMetrics>();
        services.TryAddSingleton(provider => new ToolJobBroker(connect(provider), provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<ToolJobLedger>();
        services.TryAddSingleton<ToolJobLeases>();
        services.TryAddSingleton<ToolJobStatistics>();
        services.TryAddSingleton<DeadLetters>();
        services.TryAddSingleton<ToolJobClient>();
        services.AddUpkeep<ToolJobSignals>();
        services.AddUpkeep<OutboxPublisher>();
        services.AddUpkeep<ToolJobWaiters>();
        return services;
    }

    /// <summary>Lets this process sweep, too. One is enough, more do no harm.</summary>
    public static IServiceCollection AddToolJobSweeper(this IServiceCollection services)
    {
        services.TryAddSingleton<JobRecovery>();
        services.AddUpkeep<Sweeper>();
        return services;
    }

    private static void AddUpkeep<T>(this IServiceCollection services)
        where T : class, IHostedService
    {
        if (services.Any(service => service.ServiceType == typeof(T)))
        {
            // Added before; a second time would start it twice.
            return;
        }

        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
