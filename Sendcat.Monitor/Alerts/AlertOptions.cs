using Sendcat.Reliability.Knobs;

namespace Sendcat.Monitor.Alerts;

/// <summary>Where messages about alerts are sent.</summary>
public sealed class AlertOptions
{
    /// <summary>Sentry DSN of alerts about limits; empty: <c>SENTRY_DSN</c>. Read by the Monitor.</summary>
    [Knob("RATE_LIMIT_SENTRY_DSN", Secret = true)]
    public string RateLimitSentryDsn { get; set; } = "";

    /// <summary>Address to which the Monitor posts every message about an alert; empty: none. It may contain a secret.</summary>
    [Knob("ALERT_WEBHOOK_URL", Secret = true)]
    public string WebhookUrl { get; set; } = "";

    /// <summary>
    /// Secret of the signatures of these messages, after Standard Webhooks: <c>whsec_</c> and base64 of 24 to 64 bytes; empty: they are not
    /// signed.
    /// </summary>
    [Knob("ALERT_WEBHOOK_SECRET", Secret = true)]
    public string WebhookSecret { get; set; } = "";
}
