using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Sendcat.Integrations.Parcels;

public static class ParcelsFeature
{
    /// <summary>Adds the owners of packages and the mails to them. Requires the tool queue with the lane of mails.</summary>
    public static IServiceCollection AddPackageOwners(this IServiceCollection services)
    {
        services.TryAddSingleton<PackageMails>();
        services.TryAddSingleton<PackageOwners>();
        return services;
    }

    /// <summary>Adds <see cref="PackageFeed"/>. Requires the database of requests.</summary>
    public static IServiceCollection AddPackageFeed(this IServiceCollection services)
    {
        services.AddPackageOwners();
        services.TryAddSingleton<PackageFeed>();
        return services;
    }
}
