using Yarp.ReverseProxy.Configuration;

namespace Sendcat.Benchmarks.Proxies;

/// <summary>A YARP proxy with one route and default settings.</summary>
internal static class YarpProxy
{
    public static Action<WebApplication> Prepare(WebApplicationBuilder builder, Uri upstream)
    {
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "upstream", Match = new RouteMatch { Path = "{**all}" } }],
            [
                new ClusterConfig
                {
                    ClusterId = "upstream",
                    Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = upstream.ToString() } },
                },
            ]);
        return app => app.MapReverseProxy();
    }
}
