using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal sealed class MailOptions
{
    /// <summary>Without it nothing is sent, and the log says so.</summary>
    [Knob("RESEND_API_KEY", Secret = true)]
    public string ApiKey { get; set; } = "";

    /// <summary>Where the Resend API answers.</summary>
    [Knob("RESEND_BASE_URL")]
    public string BaseUrl { get; set; } = "https://api.resend.com";

    /// <summary>The sender of our mails.</summary>
    [Knob("EMAIL_FROM")]
    public string From { get; set; } = "Sendcat <no-reply@sendcat.app>";

    /// <summary>Where the web app lives (<c>APP_URL</c>, a knob of the provider routes, which tell it to the providers); links in mails lead there.</summary>
    public string AppUrl { get; set; } = "http://localhost:3000";
}
