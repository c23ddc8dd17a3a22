using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Integrations.Ebay;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Integrations.Work;
using Sendcat.Reliability;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations;

public static class IntegrationsFeature
{
    /// <summary>
    /// Registers all providers, all queued tools with their lanes and cache kinds, and all other queued work, each with its knobs. The
    /// guards of <see cref="ReliabilityFeature.AddReliability"/> and the tool queue read them. A second call has no effect.
    /// </summary>
    public static IServiceCollection AddIntegrations(this IServiceCollection services)
    {
        if (services.Any(service => ReferenceEquals(service.ImplementationInstance, ChatProviders.Primary)))
        {
            return services;
        }

        foreach (var tool in QueuedTool.All)
        {
            tool.AddKnobs(services).AddSingleton(tool.Lane).AddSingleton(tool.Cache);
        }

        foreach (var work in QueuedWork.All)
        {
            work.AddKnobs(services).AddSingleton(work.Lane);
        }

        // Reports list the providers in this order, and then those that only one tool calls.
        services
            .AddProvider<PrimaryChatLimitOptions>(ChatProviders.Primary)
            .AddProvider<SecondaryChatLimitOptions>(ChatProviders.Secondary)
            .AddProvider<LegacyChatLimitOptions>(ChatProviders.Legacy)
            .AddProvider<ExtractionLimitOptions>(ExtractionProvider.Provider)
            .AddProvider<SerperLimitOptions>(SerperProvider.Provider)
            .AddProvider<GmailOAuthLimitOptions>(GmailOAuthProvider.Provider)
            .AddProvider<GmailLimitOptions>(GmailProvider.Provider)
            .AddProvider<EbaySearchLimitOptions>(EbaySearchProvider.Provider)
            .AddProvider<GlobalSearchLimitOptions>(GlobalSearchProvider.Provider);
        foreach (var provider in QueuedTool.All.SelectMany(tool => tool.Providers).Concat(
            QueuedWork.All.SelectMany(work => work.Providers)).Distinct())
        {
            if (!services.Any(service => ReferenceEquals(service.ImplementationInstance, provider)))
            {
                services.AddSingleton(provider);
            }
        }

        return services;
    }

    /// <summary>Adds guarded calls to eBay. Requires the guards of <see cref="ReliabilityFeature.AddReliability"/>.</summary>
    public static IServiceCollection AddEbay(this IServiceCollection services)
    {
        services.AddOutbound().AddKnobs<EbayOptions>();
        services.TryAddSingleton<EbayToken>();
        services.TryAddSingleton<EbayClient>();
        return services;
    }

    private static IServiceCollection AddProvider<TLimits>(this IServiceCollection services, Provider provider)
        where TLimits : class, new() => services.AddKnobs<TLimits>().AddSingleton(provider);
}
