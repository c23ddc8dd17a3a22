using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Sendcat.Reliability.Outbound;

public static class OutboundFeature
{
    /// <summary>Adds guarded calls to upstreams. Requires the guards of <see cref="ReliabilityFeature.AddReliability"/>.</summary>
    public static IServiceCollection AddOutbound(this IServiceCollection services)
    {
        services.TryAddSingleton<Upstream>();
        services
            .AddHttpClient(Upstream.ClientName, client =>
            {
                // The UpstreamPolicy has the timeout of each attempt.
                client.Timeout = Timeout.InfiniteTimeSpan;
                client.DefaultRequestHeaders.UserAgent.ParseAdd("sendcat/1.0");
            })
            // The loggers would log URLs. They contain search terms, and for one upstream the API key.
            .RemoveAllLoggers()
            .AddHttpMessageHandler(() => new WorkLeaseCheck())
            .ConfigurePrimaryHttpMessageHandler(ThirdParty.Handler);
        return services;
    }
}
