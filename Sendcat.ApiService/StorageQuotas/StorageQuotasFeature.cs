using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.StorageQuotas;

internal static class StorageQuotasFeature
{
    /// <summary>Registers the limits of what a principal may store.</summary>
    public static IServiceCollection AddStorageQuotas(this IServiceCollection services)
    {
        services.AddKnobs<QuotaOptions>();
        services.AddMemoryCache();
        return services.AddSingleton<Quotas>();
    }
}
