using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Gmail.Pushes;

/// <summary>How Gmail's notifications prove where they come from. There is no mode that accepts all of them.</summary>
internal sealed class GmailPushOptions
{
    /// <summary>
    /// What a notification must have: <c>oidc</c>, a token that Google has signed for the service account of the subscription;
    /// <c>token</c>, <c>GMAIL_PUBSUB_VERIFY_TOKEN</c>; <c>either</c>, one of the two.
    /// </summary>
    [Knob("GMAIL_PUSHAUTH_MODE"), AllowedValues("oidc", "token", "either")]
    public string Mode { get; set; } = "oidc";

    /// <summary>
    /// Audience of Google's tokens, as the subscription names it. Empty: the address of <c>/api/gmail/push</c> below <c>API_PUBLIC_URL</c>.
    /// </summary>
    [Knob("GMAIL_PUSH_AUDIENCE")]
    public string Audience { get; set; } = "";

    /// <summary>Service account of the push subscription. Empty: no notification with a token of Google is accepted.</summary>
    [Knob("GMAIL_PUSH_SERVICE_ACCOUNT")]
    public string ServiceAccount { get; set; } = "";

    /// <summary>Shared secret of notifications. Empty: no notification with it is accepted.</summary>
    [Knob("GMAIL_PUBSUB_VERIFY_TOKEN", Secret = true)]
    public string VerifyToken { get; set; } = "";
}
