using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Mail;

/// <summary>Addresses and the API key of outgoing mail.</summary>
public sealed class MailOptions
{
    /// <summary>The API key of Resend. Without it each mail becomes a dead letter, which can be replayed when the key is set.</summary>
    [Knob("RESEND_API_KEY", Secret = true)]
    public string ApiKey { get; set; } = "";

    /// <summary>The base URL of the Resend API.</summary>
    [Knob("RESEND_BASE_URL", StartUpOnly = true), HttpUrl]
    public string BaseUrl { get; set; } = "https://api.resend.com";

    /// <summary>The sender of all mails except the welcome mail.</summary>
    [Knob("EMAIL_FROM")]
    public string From { get; set; } = "Sendcat <no-reply@sendcat.app>";

    /// <summary>The sender of the welcome mail to a new user.</summary>
    [Knob("WELCOME_EMAIL_FROM")]
    public string WelcomeFrom { get; set; } = "Sendcat <hi@sendcat.app>";
}
