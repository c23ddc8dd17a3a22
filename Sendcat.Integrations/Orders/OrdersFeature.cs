using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Orders;

public static class OrdersFeature
{
    /// <summary>
    /// Adds <see cref="OrderIntake"/> and <see cref="PreferenceReader"/>. Requires an <c>NpgsqlDataSource</c> and the tool queue.
    /// </summary>
    public static IServiceCollection AddOrderIntake(this IServiceCollection services)
    {
        services.AddPackageOwners().AddKnobs<PreAlertOptions>().TryAddSingleton<OrderIntake>();
        services.TryAddSingleton<PreferenceReader>();
        return services;
    }

    /// <summary>Adds <see cref="DraftChanges"/>. Requires the database of requests and the tool queue.</summary>
    public static IServiceCollection AddDraftChanges(this IServiceCollection services)
    {
        services.AddPackageOwners().AddKnobs<PreAlertOptions>().TryAddSingleton<DraftChanges>();
        return services;
    }
}
