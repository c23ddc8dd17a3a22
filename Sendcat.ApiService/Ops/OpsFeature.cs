using Sendcat.Reliability.Schedule;

namespace Sendcat.ApiService.Ops;

internal static class OpsFeature
{
    public static IServiceCollection AddOps(this IServiceCollection services)
    {
        services.AddSingleton(provider => OpsKeys.Load(provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.AddSingleton<NamedKeys>();
        services.AddSingleton<SnapshotOps>();
        services.AddSingleton<OpsGuard>();
        services.AddSingleton<ScheduleStore>();
        return services;
    }
}
