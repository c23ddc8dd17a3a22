using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Webhooks;

/// <summary>Knobs of all webhooks.</summary>
internal sealed class WebhookOptions
{
    /// <summary>
    /// Deliveries of one address whose bodies a replica reads and authenticates at the same time. Further ones of the address wait; none is
    /// refused.
    /// </summary>
    [Knob("WEBHOOK_BODIES_PER_ADDRESS"), Range(1, 10_000)]
    public int BodiesPerAddress { get; set; } = 16;
}
