using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.RateLimiting;

/// <summary>The limits and windows of the rate limit buckets.</summary>
public sealed class RateLimitOptions
{
    internal const int MinuteMs = 60_000;

    /// <summary>Chat turns per window and principal.</summary>
    [Knob("RATE_LIMIT_CHAT_STREAM_MAX"), Range(1, 1000)]
    public int ChatStreamMax { get; set; } = 30;

    /// <summary>Window of the chat turns.</summary>
    [Knob("RATE_LIMIT_CHAT_STREAM_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int ChatStreamWindowMs { get; set; } = 300_000;

    /// <summary>Tokens of chat turns (prompts and answers) per window and principal.</summary>
    [Knob("RATE_LIMIT_CHAT_TOKENS_MAX"), Range(1_000, 1_000_000_000)]
    public int ChatTokensMax { get; set; } = 1_000_000;

    /// <summary>Window of the chat tokens.</summary>
    [Knob("RATE_LIMIT_CHAT_TOKENS_WINDOW_MS"), Range(60_000, 86_400_000)]
    public int ChatTokensWindowMs { get; set; } = 3_600_000;

    /// <summary>Tokens of chat turns (prompts and answers) per day and address; 0: no such budget.</summary>
    [Knob("CHAT_ADDRESS_TOKENS_PER_DAY"), Range(0, 2_000_000_000)]
    public int ChatAddressTokensPerDay { get; set; } = 2_000_000;

    /// <summary>Tokens of all chat turns per day; 0: no such budget.</summary>
    [Knob("CHAT_GLOBAL_TOKENS_PER_DAY"), Range(0, 2_000_000_000)]
    public int ChatGlobalTokensPerDay { get; set; }

    /// <summary>
    /// Most cost of a principal's chat turns per day, by the cost that the provider reports or by the prices of the model catalogue; a
    /// model without a known price is refused. 0: no such budget.
    /// </summary>
    [Knob("BUDGET_USD_PER_PRINCIPAL_PER_DAY", Unit = "USD"), Range(0d, 2_000d)]
    public double BudgetUsdPerPrincipalPerDay { get; set; }

    /// <summary>
    /// Chat requests per window and address, of all its principals together; other writes and shopping pages of the address count too.
    /// </summary>
    [Knob("RATE_LIMIT_CHAT_IP_MAX"), Range(1, 1_000_000)]
    public int ChatIpMax { get; set; } = 3_000;

    /// <summary>Window of the chat requests of an address.</summary>
    [Knob("RATE_LIMIT_CHAT_IP_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int ChatIpWindowMs { get; set; } = 60_000;

    /// <summary>Reads (GET requests) per minute and address, of all its principals together.</summary>
    [Knob("READS_PER_ADDRESS_PER_MIN", Unit = "1/min"), Range(1, 10_000_000)]
    public int ReadsPerAddressPerMinute { get; set; } = 1_200;

    /// <summary>
    /// KiB of conversations copied (branch, edit, retry, fork) per window and principal; an address gets four times the limit. A larger
    /// copy counts as the whole window.
    /// </summary>
    [Knob("RATE_LIMIT_COPY_MAX_KIB"), Range(64, 10_000_000)]
    public int CopyMaxKiB { get; set; } = 65_536;

    /// <summary>Window of the copies.</summary>
    [Knob("RATE_LIMIT_COPY_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int CopyWindowMs { get; set; } = 300_000;

    /// <summary>New threads per window and principal.</summary>
    [Knob("RATE_LIMIT_THREAD_CREATE_MAX"), Range(1, 100_000)]
    public int ThreadCreateMax { get; set; } = 300;

    /// <summary>Window of the new threads.</summary>
    [Knob("RATE_LIMIT_THREAD_CREATE_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int ThreadCreateWindowMs { get; set; } = 300_000;

    /// <summary>Shopping pages (items, explore, categories, favourites, packages) per window and principal.</summary>
    [Knob("RATE_LIMIT_SHOPPING_MAX"), Range(1, 100_000)]
    public int ShoppingMax { get; set; } = 240;

    /// <summary>Window of the shopping pages.</summary>
    [Knob("RATE_LIMIT_SHOPPING_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int ShoppingWindowMs { get; set; } = 60_000;

    /// <summary>Files uploaded per window and principal, each as one request or with a chat message.</summary>
    [Knob("RATE_LIMIT_UPLOAD_MAX"), Range(1, 100_000)]
    public int UploadMax { get; set; } = 60;

    /// <summary>Window of the uploads.</summary>
    [Knob("RATE_LIMIT_UPLOAD_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int UploadWindowMs { get; set; } = 600_000;

    /// <summary>Anonymous sessions issued per window and address.</summary>
    [Knob("RATE_LIMIT_ANON_SESSION_MAX"), Range(1, 1_000_000)]
    public int AnonymousSessionMax { get; set; } = 3_000;

    /// <summary>Window of the anonymous sessions.</summary>
    [Knob("RATE_LIMIT_ANON_SESSION_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int AnonymousSessionWindowMs { get; set; } = 60_000;

    /// <summary>Sign-ups, sign-ins and refreshes per window and address.</summary>
    [Knob("RATE_LIMIT_AUTH_MAX"), Range(1, 100_000)]
    public int AuthMax { get; set; } = 300;

    /// <summary>Window of the sign-ins.</summary>
    [Knob("RATE_LIMIT_AUTH_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int AuthWindowMs { get; set; } = 60_000;

    /// <summary>
    /// Wrong passwords per window for one account from one address. Beyond the limit, sign-ins to the account from that address get 429,
    /// unless the account has signed in from the address before and the password is right.
    /// </summary>
    [Knob("RATE_LIMIT_SIGN_IN_MAX"), Range(1, 1_000)]
    public int SignInMax { get; set; } = 5;

    /// <summary>Window of the wrong passwords.</summary>
    [Knob("RATE_LIMIT_SIGN_IN_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int SignInWindowMs { get; set; } = 900_000;

    /// <summary>Password resets requested per window and account.</summary>
    [Knob("RATE_LIMIT_PASSWORD_RESET_MAX"), Range(1, 1_000)]
    public int PasswordResetMax { get; set; } = 5;

    /// <summary>Window of the password resets.</summary>
    [Knob("RATE_LIMIT_PASSWORD_RESET_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int PasswordResetWindowMs { get; set; } = 900_000;

    /// <summary>Gmail push notifications that fail authentication, per window and address. Authenticated ones are not counted.</summary>
    [Knob("RATE_LIMIT_GMAIL_PUSH_MAX"), Range(1, 5000)]
    public int GmailPushMax { get; set; } = 120;

    /// <summary>Window of the Gmail push notifications that fail authentication.</summary>
    [Knob("RATE_LIMIT_GMAIL_PUSH_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int GmailPushWindowMs { get; set; } = 60_000;

    /// <summary>WhatsApp deliveries that fail authentication, per window and address. Authenticated ones are not counted.</summary>
    [Knob("RATE_LIMIT_WHATSAPP_MAX"), Range(1, 5000)]
    public int WhatsAppMax { get; set; } = 120;

    /// <summary>Window of the WhatsApp deliveries that fail authentication.</summary>
    [Knob("RATE_LIMIT_WHATSAPP_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int WhatsAppWindowMs { get; set; } = 60_000;

    /// <summary>Deliveries of Resend that fail authentication, per window and address. Authenticated ones are not counted.</summary>
    [Knob("RATE_LIMIT_RESEND_WEBHOOK_MAX"), Range(1, 5000)]
    public int ResendWebhookMax { get; set; } = 120;

    /// <summary>Window of the deliveries of Resend that fail authentication.</summary>
    [Knob("RATE_LIMIT_RESEND_WEBHOOK_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int ResendWebhookWindowMs { get; set; } = 60_000;

    /// <summary>Returns from Google's consent page per window and address.</summary>
    [Knob("RATE_LIMIT_GMAIL_OAUTH_MAX"), Range(1, 1000)]
    public int GmailOAuthMax { get; set; } = 30;

    /// <summary>Window of the returns from Google.</summary>
    [Knob("RATE_LIMIT_GMAIL_OAUTH_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int GmailOAuthWindowMs { get; set; } = 300_000;

    /// <summary>WhatsApp linking codes per window and user.</summary>
    [Knob("RATE_LIMIT_WA_LINK_CODE_MAX"), Range(1, 100)]
    public int WhatsAppLinkCodeMax { get; set; } = 5;

    /// <summary>Window of the linking codes.</summary>
    [Knob("RATE_LIMIT_WA_LINK_CODE_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int WhatsAppLinkCodeWindowMs { get; set; } = 600_000;

    /// <summary>Linking codes that one WhatsApp user may send per window; further ones are not looked up.</summary>
    [Knob("RATE_LIMIT_WA_LINK_GUESS_MAX"), Range(1, 100)]
    public int WhatsAppLinkGuessMax { get; set; } = 5;

    /// <summary>Window of the codes that a WhatsApp user sends.</summary>
    [Knob("RATE_LIMIT_WA_LINK_GUESS_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int WhatsAppLinkGuessWindowMs { get; set; } = 600_000;

    /// <summary>Window of the wrong operator keys: one minute, as the knob's name states.</summary>
    internal const int OpsKeyWindowMs = 60_000;

    /// <summary>
    /// Wrong operator keys per minute and address; each is recorded as an event. Beyond the limit the address gets 429 on the operator
    /// endpoints. A right key is always accepted.
    /// </summary>
    [Knob("OPS_KEY_FAILURES_PER_ADDRESS_PER_MIN"), Range(1, 10_000)]
    public int OpsKeyFailuresPerMin { get; set; } = 10;
}
