using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Mail;

internal sealed class MailOptions
{
    /// <summary>Without it nothing is sent, and the log says so.</summary>
    [Knob("RESEND_API_KEY", Secret = true)]
    public string ApiKey { get; set; } = "";

    /// <summary>Where the Resend API answers.</summary>
    [Knob("RESEND_BASE_URL", StartUpOnly = true)]
    public string BaseUrl { get; set; } = "https://api.resend.com";

    /// <summary>The sender of our mails, the greeting apart.</summary>
    [Knob("EMAIL_FROM")]
    public string From { get; set; } = "Sendcat <no-reply@sendcat.app>";

    /// <summary>The sender of the mail that greets a new user.</summary>
    [Knob("WELCOME_EMAIL_FROM")]
    public string WelcomeFrom { get; set; } = "Sendcat <hi@sendcat.app>";

    /// <summary>Where the web app lives (<c>APP_URL</c>, a knob of the provider routes, which tell it to the providers); links in mails lead there.</summary>
    public string AppUrl { get; set; } = "http://localhost:3000";

    /// <summary>A page of the web app. Only web links go into mails; anything else becomes <c>#</c>.</summary>
    public string LinkTo(string page) => Uri.TryCreate(AppUrl, UriKind.Absolute, out var app) && (app.Scheme is "http" or "https") ? $"{AppUrl.TrimEnd('/')}/{page}" : "#";
}
