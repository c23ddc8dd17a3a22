namespace Sendcat.Reliability.RateLimiting;

/// <summary>The limits of rates and budgets: what each counts, and per which key (principal, address, account).</summary>
public enum RateLimitBucket
{
    /// <summary>Chat turns of a principal.</summary>
    ChatStream,

    /// <summary>Tokens of a principal's chat turns: estimated and reserved at admission, corrected when the turn ends.</summary>
    ChatTokens,

    /// <summary>Tokens of all chat turns of an address, reserved and corrected like <see cref="ChatTokens"/>.</summary>
    ChatAddressTokens,

    /// <summary>Tokens of all chat turns of the deployment, reserved and corrected like <see cref="ChatTokens"/>.</summary>
    ChatGlobalTokens,

    /// <summary>Cost of a principal's chat turns, in millionths of a US dollar.</summary>
    ChatMoney,

    /// <summary>Chat requests and other writes of an address.</summary>
    ChatIp,

    /// <summary>Reads of an address: every GET under <c>/api</c>.</summary>
    Reads,

    /// <summary>Size of conversations that are copied, in KiB.</summary>
    Copies,

    /// <summary>New threads of a principal.</summary>
    ThreadCreate,

    /// <summary>Shopping pages of a principal.</summary>
    Shopping,

    /// <summary>Files uploaded by a principal.</summary>
    Uploads,

    /// <summary>Anonymous sessions issued to an address.</summary>
    AnonymousSession,

    /// <summary>Sign-ups, sign-ins and refreshes of an address.</summary>
    Auth,

    /// <summary>Wrong passwords of an address for an account.</summary>
    SignIn,

    /// <summary>Password resets of an account.</summary>
    PasswordReset,

    /// <summary>Gmail push notifications of an address that fail authentication.</summary>
    GmailPush,

    /// <summary>WhatsApp deliveries of an address that fail authentication.</summary>
    WhatsAppWebhook,

    /// <summary>Deliveries of Resend of an address that fail authentication.</summary>
    ResendWebhook,

    /// <summary>Returns from Google's consent page to an address.</summary>
    GmailOAuthCallback,

    /// <summary>Linking codes of a user.</summary>
    WhatsAppLinkingCode,

    /// <summary>Codes that a WhatsApp user sends.</summary>
    WhatsAppLinkGuess,

    /// <summary>Wrong operator keys from an address.</summary>
    OpsKey,
}

public static class RateLimitBuckets
{
    private const int DayMs = 86_400_000;
    private const double MicroUsd = 1_000_000;

    /// <summary>The name in events, alerts and Redis keys.</summary>
    public static string Name(this RateLimitBucket bucket) => bucket switch
    {
        RateLimitBucket.ChatStream => "chat_stream",
        RateLimitBucket.ChatTokens => "chat_tokens",
        RateLimitBucket.ChatAddressTokens => "chat_address_tokens",
        RateLimitBucket.ChatGlobalTokens => "chat_global_tokens",
        RateLimitBucket.ChatMoney => "chat_money",
        RateLimitBucket.ChatIp => "chat_ip",
        RateLimitBucket.Reads => "reads",
        RateLimitBucket.Copies => "copies",
        RateLimitBucket.ThreadCreate => "thread_create",
        RateLimitBucket.Shopping => "shopping",
        RateLimitBucket.Uploads => "uploads",
        RateLimitBucket.AnonymousSession => "anonymous_session",
        RateLimitBucket.Auth => "auth",
        RateLimitBucket.SignIn => "sign_in",
        RateLimitBucket.PasswordReset => "password_reset",
        RateLimitBucket.GmailPush => "gmail_push",
        RateLimitBucket.WhatsAppWebhook => "whatsapp_webhook",
        RateLimitBucket.ResendWebhook => "resend_webhook",
        RateLimitBucket.GmailOAuthCallback => "gmail_oauth_callback",
        RateLimitBucket.WhatsAppLinkingCode => "whatsapp_linking_code",
        RateLimitBucket.WhatsAppLinkGuess => "whatsapp_link_guess",
        RateLimitBucket.OpsKey => "ops_key",
        _ => throw new ArgumentOutOfRangeException(nameof(bucket)),
    };

    /// <summary>The limit of the bucket and its window. A daily budget of 0 is off.</summary>
    public static (int Max, TimeSpan Window) Of(this RateLimitOptions options, RateLimitBucket bucket)
    {
        var (max, windowMs) = bucket switch
        {
            RateLimitBucket.ChatStream => (options.ChatStreamMax, options.ChatStreamWindowMs),
            RateLimitBucket.ChatTokens => (options.ChatTokensMax, options.ChatTokensWindowMs),
            RateLimitBucket.ChatAddressTokens => (options.ChatAddressTokensPerDay, DayMs),
            RateLimitBucket.ChatGlobalTokens => (options.ChatGlobalTokensPerDay, DayMs),
            RateLimitBucket.ChatMoney => ((int)(options.BudgetUsdPerPrincipalPerDay * MicroUsd), DayMs),
            RateLimitBucket.ChatIp => (options.ChatIpMax, options.ChatIpWindowMs),
            RateLimitBucket.Reads => (options.ReadsPerAddressPerMinute, RateLimitOptions.MinuteMs),
            RateLimitBucket.Copies => (options.CopyMaxKiB, options.CopyWindowMs),
            RateLimitBucket.ThreadCreate => (options.ThreadCreateMax, options.ThreadCreateWindowMs),
            RateLimitBucket.Shopping => (options.ShoppingMax, options.ShoppingWindowMs),
            RateLimitBucket.Uploads => (options.UploadMax, options.UploadWindowMs),
            RateLimitBucket.AnonymousSession => (options.AnonymousSessionMax, options.AnonymousSessionWindowMs),
            RateLimitBucket.Auth => (options.AuthMax, options.AuthWindowMs),
            RateLimitBucket.SignIn => (options.SignInMax, options.SignInWindowMs),
            RateLimitBucket.PasswordReset => (options.PasswordResetMax, options.PasswordResetWindowMs),
            RateLimitBucket.GmailPush => (options.GmailPushMax, options.GmailPushWindowMs),
            RateLimitBucket.WhatsAppWebhook => (options.WhatsAppMax, options.WhatsAppWindowMs),
            RateLimitBucket.ResendWebhook => (options.ResendWebhookMax, options.ResendWebhookWindowMs),
            RateLimitBucket.GmailOAuthCallback => (options.GmailOAuthMax, options.GmailOAuthWindowMs),
            RateLimitBucket.WhatsAppLinkingCode => (options.WhatsAppLinkCodeMax, options.WhatsAppLinkCodeWindowMs),
            RateLimitBucket.WhatsAppLinkGuess => (options.WhatsAppLinkGuessMax, options.WhatsAppLinkGuessWindowMs),
            RateLimitBucket.OpsKey => (options.OpsKeyFailuresPerMin, RateLimitOptions.OpsKeyWindowMs),
            _ => throw new ArgumentOutOfRangeException(nameof(bucket)),
        };
        return (max, TimeSpan.FromMilliseconds(windowMs));
    }
}
