using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Providers;

internal static class ProvidersFeature
{
    /// <summary>
    /// Registers <see cref="ProviderRouter"/> and its dependencies, except circuits and bulkheads, which the reliability services register.
    /// </summary>
    public static IServiceCollection AddProviders(this IServiceCollection services)
    {
        services.AddKnobs<ProviderRouteOptions>();
        services.AddKnobs<OpenRouterOptions>();
        services.AddKnobs<ModelAccessOptions>();
        services.AddKnobs<ChatGatewayOptions>();
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => new OpenRouterTransport());
        services.AddSingleton<OpenRouterClient>();
        services.AddSingleton<ModelCatalogue>();
        services.AddHostedService<CatalogueRefresh>();
        services.AddSingleton<ModelAccess>();
        services.AddSingleton<ModelPrices>();
        services.AddSingleton<RoutePlan>();
        services.AddSingleton<RouteAvailability>();
        services.AddSingleton<IRouteGuards, RouteGuards>();
        services.AddSingleton(provider => ContentCapture.From(provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<GenAiTelemetry>();
        services.AddSingleton<RequestFiles>();
        services.AddSingleton<CallFailures>();
        services.AddSingleton<ProviderRouter>();
        services.AddSingleton<RouteProbe>();
        services.AddHostedService<RouteRetest>();
        services.AddSingleton<RouteDrain>();
        return services;
    }
}
