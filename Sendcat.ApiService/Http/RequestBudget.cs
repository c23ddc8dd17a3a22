namespace Sendcat.ApiService.Http;

/// <summary>The names of the request budgets.</summary>
internal static class RequestBudget
{
    /// <summary>Anonymous sessions issued to one address.</summary>
    public const string AnonymousSession = "anonymous_session";

    /// <summary>Accounts registered from one address.</summary>
    public const string Registration = "registration";

    /// <summary>Attempts to sign in, refreshes and sign-outs from one address.</summary>
    public const string SignIn = "sign_in";

    /// <summary>Password resets requested for one e-mail address, or from one network address.</summary>
    public const string PasswordReset = "password_reset";

    /// <summary>Threads created by one principal, or from one address.</summary>
    public const string ThreadCreate = "thread_create";

    /// <summary>Messages, changes and exports of threads and profiles from one address.</summary>
    public const string Writing = "writing";

    /// <summary>Files uploaded by one principal, or from one address.</summary>
    public const string Upload = "upload";

    /// <summary>GET and HEAD requests from one address.</summary>
    public const string Reading = "reading";

    /// <summary>Returns from Google's page that asks for a mailbox, to one address.</summary>
    public const string GmailConsent = "gmail_oauth_callback";

    /// <summary>Shopping pages of one principal, or of one address.</summary>
    public const string Shopping = "shopping";

    /// <summary>Gmail push notifications of one address that fail authentication.</summary>
    public const string GmailPush = "gmail_push";

    /// <summary>WhatsApp deliveries of one address that fail authentication.</summary>
    public const string WhatsAppWebhook = "whatsapp_webhook";

    /// <summary>Deliveries of Resend of one address that fail authentication.</summary>
    public const string ResendWebhook = "resend_webhook";

    /// <summary>WhatsApp linking codes of one user.</summary>
    public const string WhatsAppLinkingCode = "whatsapp_linking_code";
}
