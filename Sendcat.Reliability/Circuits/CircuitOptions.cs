using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Circuits;

/// <summary>Thresholds and cooldowns of the circuit breakers, per provider.</summary>
public sealed class CircuitOptions
{
    /// <summary>Failures older than this no longer count towards a threshold.</summary>
    // A request counts once, after all its attempts. The window must be long enough for as many requests as the threshold, one after the
    // other, each timing out.
    [Knob("CIRCUIT_FAILURE_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int FailureWindowMs { get; set; } = 300_000;

    /// <summary>Timeout of the probe of a half-open circuit. After it, another call may probe.</summary>
    [Knob("CIRCUIT_PROBE_TIMEOUT_MS"), Range(1_000, 600_000)]
    public int ProbeTimeoutMs { get; set; } = 60_000;

    /// <summary>Failures in the window that open the circuit of the primary chat route.</summary>
    [Knob("CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD"), Range(1, 100)]
    public int OpenRouterPrimaryThreshold { get; set; } = 5;

    /// <summary>How long the circuit of the primary chat route stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int OpenRouterPrimaryCooldownMs { get; set; } = 60_000;

    /// <summary>Failures in the window that open the circuit of the secondary chat route.</summary>
    [Knob("CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD"), Range(1, 100)]
    public int OpenRouterSecondaryThreshold { get; set; } = 4;

    /// <summary>How long the circuit of the secondary chat route stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int OpenRouterSecondaryCooldownMs { get; set; } = 45_000;

    /// <summary>Failures in the window that open the circuit of chat as one provider (legacy name).</summary>
    [Knob("CIRCUIT_OPENROUTER_THRESHOLD"), Range(1, 100)]
    public int OpenRouterThreshold { get; set; } = 5;

    /// <summary>How long the circuit of chat as one provider (legacy name) stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int OpenRouterCooldownMs { get; set; } = 60_000;

    /// <summary>Failures in the window that open the circuit of Serper.</summary>
    [Knob("CIRCUIT_SERPER_THRESHOLD"), Range(1, 100)]
    public int SerperThreshold { get; set; } = 4;

    /// <summary>How long the circuit of Serper stays open.</summary>
    [Knob("CIRCUIT_SERPER_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int SerperCooldownMs { get; set; } = 120_000;

    /// <summary>Failures in the window that open the circuit of Google's OAuth endpoints.</summary>
    [Knob("CIRCUIT_GMAIL_OAUTH_THRESHOLD"), Range(1, 100)]
    public int GmailOAuthThreshold { get; set; } = 4;

    /// <summary>How long the circuit of Google's OAuth endpoints stays open.</summary>
    [Knob("CIRCUIT_GMAIL_OAUTH_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int GmailOAuthCooldownMs { get; set; } = 120_000;

    /// <summary>Failures in the window that open the circuit of eBay.</summary>
    [Knob("CIRCUIT_EBAY_THRESHOLD"), Range(1, 100)]
    public int EbayThreshold { get; set; } = 4;

    /// <summary>How long the circuit of eBay stays open.</summary>
    [Knob("CIRCUIT_EBAY_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int EbayCooldownMs { get; set; } = 120_000;

    /// <summary>Failures in the window that open the circuit of the global product search.</summary>
    [Knob("CIRCUIT_GLOBAL_SEARCH_THRESHOLD"), Range(1, 100)]
    public int GlobalSearchThreshold { get; set; } = 4;

    /// <summary>How long the circuit of the global product search stays open.</summary>
    [Knob("CIRCUIT_GLOBAL_SEARCH_COOLDOWN_MS"), Range(1_000, 3_600_000)]
    public int GlobalSearchCooldownMs { get; set; } = 120_000;

    /// <summary>The policy of a provider. An unknown name gets the policy of <c>global_search</c>.</summary>
    public CircuitPolicy For(string provider)
    {
        var (threshold, cooldownMs) = provider switch
        {
            "openrouter_chat_primary" => (OpenRouterPrimaryThreshold, OpenRouterPrimaryCooldownMs),
            "openrouter_chat_secondary" => (OpenRouterSecondaryThreshold, OpenRouterSecondaryCooldownMs),
            "openrouter_chat" => (OpenRouterThreshold, OpenRouterCooldownMs),
            "serper_search" => (SerperThreshold, SerperCooldownMs),
            "gmail_oauth" => (GmailOAuthThreshold, GmailOAuthCooldownMs),
            "ebay_search" => (EbayThreshold, EbayCooldownMs),
            _ => (GlobalSearchThreshold, GlobalSearchCooldownMs),
        };
        return new(
            threshold, TimeSpan.FromMilliseconds(cooldownMs), TimeSpan.FromMilliseconds(FailureWindowMs), TimeSpan.FromMilliseconds(ProbeTimeoutMs));
    }
}

/// <summary>When a circuit opens, and for how long.</summary>
/// <param name="Threshold">Failures within <paramref name="Window"/> that open the circuit, ≥ 1.</param>
/// <param name="Cooldown">How long the circuit stays open before it lets a probe through.</param>
/// <param name="Window">Age after which a failure no longer counts.</param>
/// <param name="ProbeTimeout">Time after which a probe without a result no longer blocks other probes.</param>
public readonly record struct CircuitPolicy(int Threshold, TimeSpan Cooldown, TimeSpan Window, TimeSpan ProbeTimeout);
