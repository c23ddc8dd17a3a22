using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

/// <summary>The thresholds that are no knobs of the API.</summary>
internal sealed record AlertPolicy
{
    public static readonly AlertPolicy Default = new();

    /// <summary>The window in minutes over which events of limits are counted.</summary>
    public const int WindowMinutes = AlertTags.WindowMinutes;

    /// <summary>The events that are refusals of a caller, by the outcome <c>blocked</c>.</summary>
    public const string Blocked = "blocked";

    /// <summary>The outcome of a decision that was made without Redis.</summary>
    public const string Contention = "contention_fallback";

    /// <summary>By bucket: from so many refusals in the window on, an alert is raised.</summary>
    public IReadOnlyDictionary<string, int> BlockedFrom { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["chat_admission"] = 25,
        ["chat_admission_shadow"] = 25,
        ["chat_stream"] = 25,
        ["chat_tokens"] = 25,
        ["chat_address_tokens"] = 25,
        ["chat_global_tokens"] = 5,
        ["chat_money"] = 25,
        ["chat_ip"] = 40,
        ["reads"] = 100,
        ["copies"] = 25,
        ["thread_create"] = 25,
        ["shopping"] = 40,
        ["uploads"] = 25,
        ["anonymous_session"] = 25,
        ["auth"] = 40,
        ["sign_in"] = 25,
        ["password_reset"] = 25,
        ["gmail_push"] = 40,
        ["whatsapp_webhook"] = 40,
        ["resend_webhook"] = 40,
        ["gmail_oauth_callback"] = 25,
        ["whatsapp_linking_code"] = 25,
        ["whatsapp_link_guess"] = 25,
        ["ops_key"] = 10,
    };

    /// <summary>
    /// By bucket: from so many decisions without Redis in the window on. A bucket that is not here: <see cref="OtherContentionFrom"/>.
    /// </summary>
    public IReadOnlyDictionary<string, int> ContentionFrom { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["chat_admission"] = 3,
        ["chat_stream"] = 3,
        ["gmail_push"] = 5,
        ["whatsapp_webhook"] = 5,
    };

    public int OtherContentionFrom { get; init; } = 5;

    /// <summary>Share of the turns of the last minutes with a failover, from which an alert is raised; 0–1.</summary>
    public double FailoverShare { get; init; } = 0.2;

    /// <summary>Failovers that are needed for it.</summary>
    public int LeastFailovers { get; init; } = 5;
}
