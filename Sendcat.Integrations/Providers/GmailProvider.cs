using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>The API of Gmail, from which the mails of connected mailboxes are read.</summary>
public static class GmailProvider
{
    public static readonly Provider Provider = Provider.Of<GmailLimitOptions>("gmail", options => options.Limits);

    /// <summary>How requests are sent: 10 s for an attempt, and two more attempts.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(10), 2)
    {
        MaxResponseBytes = 4 * 1024 * 1024,
        ReadErrorCode = ErrorCode,
    };

    /// <summary>
    /// The request of a whole mail: Gmail accepts 25 MB, and more from some senders, in Base64. A longer mail is no fault of Gmail.
    /// </summary>
    public static readonly UpstreamPolicy MessagePolicy = Policy with
    {
        Timeout = TimeSpan.FromSeconds(30),
        MaxResponseBytes = 48 * 1024 * 1024,
        LongResponsesAreNeutral = true,
    };

    /// <summary>The reasons that decide what follows.</summary>
    private static readonly string[] Reasons =
    [
        "authError", "backendError", "dailyLimitExceeded", "failedPrecondition", "forbidden", "insufficientPermissions", "invalidArgument",
        "notFound",
        "quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded",
    ];

    private static string? ErrorCode(JsonElement response) =>
        response.Part("error") is { } error && error.Items("errors").FirstOrDefault().Text("reason") is { } reason
            ? Array.Find(Reasons, known => known == reason)
            : null;
}

/// <summary>Limits of <see cref="GmailProvider"/>.</summary>
public sealed class GmailLimitOptions
{
    /// <summary>Failures in the window that open the circuit of Gmail.</summary>
    [Knob("CIRCUIT_GMAIL_THRESHOLD"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 8;

    /// <summary>How long the circuit of Gmail stays open.</summary>
    [Knob("CIRCUIT_GMAIL_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 60_000;

    /// <summary>Most concurrent calls to Gmail, over all workers.</summary>
    [Knob("BULKHEAD_GMAIL_MAX_CONCURRENT"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 16;

    /// <summary>Time after the last renewal at which a slot for calls to Gmail expires.</summary>
    [Knob("BULKHEAD_GMAIL_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
