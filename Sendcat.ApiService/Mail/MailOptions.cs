using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal sealed class MailOptions
{
    /// <summary>The API key of Resend. Without it no mail is sent, and each one is logged.</summary>
    [Knob("RESEND_API_KEY", Secret = true)]
    public string ApiKey { get; set; } = "";

    /// <summary>The base URL of the Resend API.</summary>
    [Knob("RESEND_BASE_URL", StartUpOnly = true)]
    public string BaseUrl { get; set; } = "https://api.resend.com";

    /// <summary>The sender of all mails except the welcome mail.</summary>
    [Knob("EMAIL_FROM")]
    public string From { get; set; } = "Sendcat <no-reply@sendcat.app>";

    /// <summary>The sender of the welcome mail to a new user.</summary>
    [Knob("WELCOME_EMAIL_FROM")]
    public string WelcomeFrom { get; set; } = "Sendcat <hi@sendcat.app>";

    /// <summary>
    /// The base URL of the web app, to which links in mails point. It is <c>APP_URL</c>, a knob of the provider routes, which send it to
    /// the providers.
    /// </summary>
    public string AppUrl { get; set; } = "http://localhost:3000";

    /// <summary>The URL of a page of the web app; <c>#</c> when <see cref="AppUrl"/> is no http or https URL.</summary>
    public string LinkTo(string page) =>
        Uri.TryCreate(AppUrl, UriKind.Absolute, out var app) && (app.Scheme is "http" or "https") ? $"{AppUrl.TrimEnd('/')}/{page}" : "#";
}
