using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>Credentials and addresses of the WhatsApp Cloud API of Meta.</summary>
public sealed class WhatsAppOptions
{
    /// <summary>
    /// Secret of the app at Meta, which signs deliveries. Empty: the webhook refuses every delivery, and WhatsApp is off.
    /// </summary>
    [Knob("WHATSAPP_APP_SECRET", Secret = true)]
    public string AppSecret { get; set; } = "";

    /// <summary>What Meta sends when it verifies the address of the webhook. Empty: it cannot be verified.</summary>
    [Knob("WHATSAPP_VERIFY_TOKEN", Secret = true)]
    public string VerifyToken { get; set; } = "";

    /// <summary>Token for calls to the Graph API: media and replies.</summary>
    [Knob("WHATSAPP_ACCESS_TOKEN", Secret = true)]
    public string AccessToken { get; set; } = "";

    /// <summary>Id of our phone number at Meta: replies come from it, and deliveries to other numbers of the account are ignored.</summary>
    [Knob("WHATSAPP_PHONE_NUMBER_ID"), RegularExpression("^[0-9]{0,32}$")]
    public string PhoneNumberId { get; set; } = "";

    /// <summary>
    /// Our phone number as users write to it, for example <c>+1 876 555 0100</c>; empty: it is not shown beside linking codes.
    /// </summary>
    [Knob("WHATSAPP_NUMBER"), RegularExpression("^[+0-9 ()-]{0,32}$")]
    public string Number { get; set; } = "";

    /// <summary>Base URL of the Graph API.</summary>
    [Knob("WHATSAPP_GRAPH_BASE_URL", StartUpOnly = true), HttpUrl]
    public string GraphBaseUrl { get; set; } = "https://graph.facebook.com";

    /// <summary>Version of the Graph API, which ends about two years after its release.</summary>
    [Knob("WHATSAPP_GRAPH_VERSION"), RegularExpression("^v[0-9]{1,3}\\.[0-9]{1,2}$")]
    public string GraphVersion { get; set; } = "v25.0";

    /// <summary>The field that names the recipient of a reply to a user without a phone number: <c>to</c> or <c>recipient</c>.</summary>
    [Knob("WHATSAPP_REPLY_FIELD"), AllowedValues("to", "recipient")]
    public string ReplyField { get; set; } = "to";

    /// <summary>
    /// Hosts from which files of messages are downloaded, separated by commas. The host of <c>WHATSAPP_GRAPH_BASE_URL</c> is one too.
    /// </summary>
    [Knob("WHATSAPP_MEDIA_HOSTS", StartUpOnly = true), RegularExpression("^[a-z0-9.,-]{1,500}$")]
    public string MediaHosts { get; set; } = "lookaside.fbsbx.com";

    /// <summary>Largest picture or document of a message that is read.</summary>
    [Knob("WHATSAPP_MEDIA_MAX_BYTES", Unit = "B"), Range(1_024, 16_777_216)]
    public int MediaMaxBytes { get; set; } = 5_242_880;

    /// <summary>Deliveries can be authenticated.</summary>
    public bool IsConfigured => AppSecret.Length > 0;
}
