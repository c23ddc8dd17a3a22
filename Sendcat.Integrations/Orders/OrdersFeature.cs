using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Sendcat.Integrations.Orders;

public static class OrdersFeature
{
    /// <summary>Adds <see cref="OrderIntake"/> and <see cref="PreferenceReader"/>. Requires an <c>NpgsqlDataSource</c>.</summary>
    public static IServiceCollection AddOrderIntake(this IServiceCollection services)
    {
        services.TryAddSingleton<OrderIntake>();
        services.TryAddSingleton<PreferenceReader>();
        return services;
    }
}
