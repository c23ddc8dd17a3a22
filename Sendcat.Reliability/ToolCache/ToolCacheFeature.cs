using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.Reliability.ToolCache;

public static class ToolCacheFeature
{
    /// <summary>Registers <see cref="ToolCache"/>, and its namespaces. Needs an <see cref="IConnectionMultiplexer"/>.</summary>
    public static IServiceCollection AddToolCache(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddStoreOutages();
        services.TryAddSingleton(TimeProvider.System);
        services.AddKnobs<ToolCacheOptions>().AddKnobs<RedisOptions>();
        services.TryAddSingleton<ReliabilityMetrics>();
        services.TryAddSingleton<GuardedRedis>();
        services.TryAddSingleton<ToolCacheMetrics>();
        services.TryAddSingleton<ToolCacheFlights>();
        services.TryAddSingleton<ToolCacheNamespaces>();
        services.TryAddSingleton(provider => new ToolCache(
            provider.GetRequiredService<GuardedRedis>(),
            provider.GetRequiredService<ToolCacheFlights>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ToolCacheMetrics>()));
        return services;
    }
}
