using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.Upstreams;

internal static class UpstreamServices
{
    public static IServiceCollection AddUpstreams(this IServiceCollection services) => services.AddOutbound().AddEbay().AddKnobs<UpstreamOptions>();
}
