using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Extraction;

public static class ExtractionFeature
{
    /// <summary>
    /// Adds <see cref="OrderExtraction"/>. Requires the guards of <see cref="ReliabilityFeature.AddReliability"/> and the providers of
    /// <see cref="IntegrationsFeature.AddIntegrations"/>.
    /// </summary>
    public static IServiceCollection AddExtraction(this IServiceCollection services)
    {
        services.AddKnobs<OpenRouterOptions>().AddKnobs<ExtractionOptions>();
        services.TryAddSingleton<ExtractionModel>();
        services.TryAddSingleton(
            provider => new OrderExtraction(
                provider.GetRequiredService<ExtractionModel>(), provider.GetRequiredService<ILogger<OrderExtraction>>()));
        services.TryAddTransient<ExtractionTransport>();
        services
            .AddHttpClient(ExtractionTransport.ClientName, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(Reliability.Outbound.ThirdParty.Handler)
            .AddHttpMessageHandler<ExtractionTransport>()
            .AddHttpMessageHandler(() => new Reliability.Outbound.WorkLeaseCheck());
        return services;
    }
}
