using System.Net;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ToolWorker.Upstreams;

internal static class UpstreamServices
{
    private const long LargestAnswer = 64 * 1024 * 1024;

    public static IServiceCollection AddUpstreams(this IServiceCollection services)
    {
        services.AddKnobs<UpstreamOptions>();
        services.AddSingleton<Upstream>();
        services
            .AddHttpClient(Upstream.ClientName, client =>
            {
                // Time-outs are per attempt and belong to the policy.
                client.Timeout = Timeout.InfiniteTimeSpan;
                client.MaxResponseContentBufferSize = LargestAnswer;
                client.DefaultRequestHeaders.UserAgent.ParseAdd("sendcat/1.0");
            })
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                AutomaticDecompression = DecompressionMethods.All,
                ConnectTimeout = TimeSpan.FromSeconds(5),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                AllowAutoRedirect = false,
            });
        return services;
    }
}
