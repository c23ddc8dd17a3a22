using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal sealed class MailOptions
{
    /// <summary>Secret, so no knob. Without it nothing is sent, and the log says so.</summary>
    public string? ApiKey { get; set; }

    [Knob("RESEND_BASE_URL")]
    public string BaseUrl { get; set; } = "https://api.resend.com";

    [Knob("EMAIL_FROM")]
    public string From { get; set; } = "Sendcat <no-reply@sendcat.app>";

    /// <summary>Where the web app lives; links in mails lead there.</summary>
    [Knob("APP_URL")]
    public string AppUrl { get; set; } = "http://localhost:3000";
}
