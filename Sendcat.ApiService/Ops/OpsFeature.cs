using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Schedule;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Bulk;

namespace Sendcat.ApiService.Ops;

internal static class OpsFeature
{
    public static IServiceCollection AddOps(this IServiceCollection services)
    {
        services.AddSingleton(
            provider => OpsKeys.Load(provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.AddSingleton<NamedKeys>();
        services.AddSingleton<KnobWarnings>();
        services.AddSingleton<CostLedger>();
        services.AddSingleton<SnapshotOps>();
        services.AddSingleton<ConditionOps>();
        services.AddSingleton<OpsGuard>();
        services.AddSingleton<ScheduleStore>();
        services.AddSingleton<LaneObstacles>(
            provider => lane => UpstreamCircuits.Of(lane, provider.GetRequiredService<Circuits>().States()));
        services.AddBulkChanges();
        return services;
    }
}
