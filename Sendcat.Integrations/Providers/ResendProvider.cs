using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>Resend, which sends mails.</summary>
public static class ResendProvider
{
    public static readonly Provider Provider = Provider.Of<ResendLimitOptions>("resend", options => options.Limits);

    /// <summary>How requests are sent: one attempt of 10 s. The job is the retry.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(10), 0)
    {
        MaxResponseBytes = 64 * 1024,
        ReadErrorCode = ErrorCode,
    };

    /// <summary>The names of errors that decide what follows, or that help an operator.</summary>
    private static readonly string[] Errors =
    [
        "application_error", "concurrent_idempotent_requests", "daily_quota_exceeded", "internal_server_error", "invalid_access",
        "invalid_api_key", "invalid_from_address", "invalid_idempotency_key", "invalid_idempotent_request", "missing_api_key",
        "missing_required_field", "monthly_quota_exceeded", "rate_limit_exceeded", "restricted_api_key", "validation_error",
    ];

    private static string? ErrorCode(JsonElement response) =>
        response.Text("name") is { } name ? Array.Find(Errors, known => known == name) : null;
}

/// <summary>Limits of <see cref="ResendProvider"/>.</summary>
public sealed class ResendLimitOptions
{
    /// <summary>Failures in the window that open the circuit of Resend.</summary>
    [Knob("CIRCUIT_RESEND_THRESHOLD"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 5;

    /// <summary>How long the circuit of Resend stays open.</summary>
    [Knob("CIRCUIT_RESEND_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 30_000;

    /// <summary>Most concurrent calls to Resend, over all workers.</summary>
    [Knob("BULKHEAD_RESEND_MAX_CONCURRENT"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 4;

    /// <summary>Time after the last renewal at which a slot for calls to Resend expires.</summary>
    [Knob("BULKHEAD_RESEND_LEASE_TTL_MS"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
