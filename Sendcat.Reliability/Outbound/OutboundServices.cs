using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound.Ebay;

namespace Sendcat.Reliability.Outbound;

public static class OutboundServices
{
    /// <summary>Guarded calls to upstreams. Needs the guards of <see cref="ReliabilityServices.AddReliability"/>.</summary>
    public static IServiceCollection AddOutbound(this IServiceCollection services)
    {
        services.TryAddSingleton<Upstream>();
        services
            .AddHttpClient(Upstream.ClientName, client =>
            {
                // Time-outs are per attempt and belong to the policy.
                client.Timeout = Timeout.InfiniteTimeSpan;
                client.DefaultRequestHeaders.UserAgent.ParseAdd("sendcat/1.0");
            })
            // Addresses hold what was searched for, and for one upstream its key.
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(ThirdParty.Handler);
        return services;
    }

    /// <summary>eBay, behind the same guards.</summary>
    public static IServiceCollection AddEbay(this IServiceCollection services)
    {
        services.AddOutbound().AddKnobs<EbayOptions>();
        services.TryAddSingleton<EbayToken>();
        services.TryAddSingleton<EbayClient>();
        return services;
    }
}
