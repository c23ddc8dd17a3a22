using Sendcat.Integrations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.Upstreams;

internal static class UpstreamsFeature
{
    /// <summary>
    /// Maximum wait of a job for a bulkhead slot. The shop's pages share eBay's bulkhead, and a burst of their requests is over within this
    /// time.
    /// </summary>
    private static readonly TimeSpan MaxSlotWait = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddUpstreams(this IServiceCollection services) =>
        services.AddOutbound().AddEbay().AddKnobs<UpstreamOptions>();

    /// <summary>The policy for requests of a job. A job waits for a bulkhead slot when the bulkhead is full.</summary>
    /// <param name="policy">The policy of the upstream.</param>
    /// <param name="tooLate">Cancelled when the job continues without the response.</param>
    public static UpstreamPolicy ForJobs(this UpstreamPolicy policy, CancellationToken tooLate) =>
        policy with { SlotTimeout = MaxSlotWait, TooLate = tooLate };
}
