using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Slo;

public static class SloFeature
{
    /// <summary>
    /// Adds the recording of service levels. Requires <see cref="ReliabilityFeature.AddReliability"/>. Register what ends requests after
    /// this call: hosted services stop in reverse order, so that the requests that end with the process are recorded.
    /// </summary>
    public static IServiceCollection AddServiceLevels(this IServiceCollection services)
    {
        services.TryAddSingleton<SliMetrics>();
        services.TryAddSingleton(provider => new SliStore(provider.GetRequiredService<NpgsqlDataSource>()));
        services.TryAddSingleton(provider => new SliRecorder(
            provider.GetRequiredService<SliStore>(),
            provider.GetRequiredService<ReplicaId>(),
            provider.GetRequiredService<SliMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<StoreOutages>(),
            provider.GetRequiredService<ILogger<SliRecorder>>()));
        services.AddHostedService(provider => provider.GetRequiredService<SliRecorder>());
        return services;
    }
}
