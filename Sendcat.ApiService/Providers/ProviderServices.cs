using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Providers;

internal static class ProviderServices
{
    /// <summary>Model calls: <see cref="ProviderRouter"/> and what it needs. Circuits and bulkheads come with the reliability services.</summary>
    public static IServiceCollection AddProviders(this IServiceCollection services)
    {
        services.AddKnobs<ProviderRouteOptions>();
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
        services.AddSingleton<RouteOutlook>();
        services.AddSingleton<IRouteGuards, RouteGuards>();
        services.AddSingleton(provider => ContentCapture.From(provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<GenAiTelemetry>();
        services.AddSingleton<ProviderRouter>();
        return services;
    }
}
