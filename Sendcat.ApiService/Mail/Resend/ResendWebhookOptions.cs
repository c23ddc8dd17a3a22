using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail.Resend;

/// <summary>The webhook of Resend.</summary>
internal sealed class ResendWebhookOptions
{
    /// <summary>Secret of the webhook at Resend, <c>whsec_…</c>. Empty: every delivery is refused, and bounces stay unknown.</summary>
    [Knob("RESEND_WEBHOOK_SECRET", Secret = true)]
    public string Secret { get; set; } = "";
}
