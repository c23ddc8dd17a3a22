using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.Upstreams;

internal static class UpstreamServices
{
    /// <summary>A burst on the shop's pages, which share eBay's lane, is over by then.</summary>
    private static readonly TimeSpan PlacePatience = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddUpstreams(this IServiceCollection services) => services.AddOutbound().AddEbay().AddKnobs<UpstreamOptions>();

    /// <summary>How a job asks: it has the time to wait for a place.</summary>
    /// <param name="policy">How anybody asks.</param>
    /// <param name="tooLate">Rings when the job goes on without the answer.</param>
    public static UpstreamPolicy ForJobs(this UpstreamPolicy policy, CancellationToken tooLate) => policy with { PlacePatience = PlacePatience, TooLate = tooLate };
}
