using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>Google’s OAuth endpoints.</summary>
public static class GmailOAuthProvider
{
    public static readonly Provider Provider = Provider.Of<GmailOAuthLimitOptions>("gmail_oauth", options => options.Limits);

    /// <summary>How requests are sent: 10 s for an attempt, and two more attempts.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(10), 2);

    /// <summary>The same for jobs: they wait for a slot, and what Google calls an error decides what follows.</summary>
    public static readonly UpstreamPolicy JobPolicy = Policy with
    {
        SlotTimeout = TimeSpan.FromSeconds(3),
        MaxResponseBytes = 64 * 1024,
        ReadErrorCode = ErrorCode,
    };

    private static readonly string[] Errors =
        ["access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "invalid_token", "unauthorized_client"];

    private static string? ErrorCode(JsonElement response) =>
        response.Text("error") is { } error ? Array.Find(Errors, known => known == error) : null;
}

/// <summary>Limits of <see cref="GmailOAuthProvider"/>.</summary>
public sealed class GmailOAuthLimitOptions
{
    /// <summary>Failures in the window that open the circuit of Google's OAuth endpoints.</summary>
    [Knob("CIRCUIT_GMAIL_OAUTH_THRESHOLD", Path = "Circuit:GmailOAuthThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 4;

    /// <summary>How long the circuit of Google's OAuth endpoints stays open.</summary>
    [Knob("CIRCUIT_GMAIL_OAUTH_COOLDOWN_MS", Path = "Circuit:GmailOAuthCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 120_000;

    /// <summary>Most concurrent calls to Google's OAuth endpoints, over all replicas.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_MAX_CONCURRENT", Path = "Bulkhead:GmailOAuthMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for calls to Google's OAuth endpoints expires.</summary>
    [Knob("BULKHEAD_GMAIL_OAUTH_LEASE_TTL_MS", Path = "Bulkhead:GmailOAuthLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
