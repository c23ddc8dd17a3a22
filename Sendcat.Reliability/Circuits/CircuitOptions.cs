using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Circuits;

/// <summary>After how many failures each provider is left alone, and for how long.</summary>
public sealed class CircuitOptions
{
    /// <summary>Failures older than this no longer count towards a threshold.</summary>
    // A question counts once, after all its attempts: so many as a threshold asks for, each timing out and one after the other, must fit.
    [Knob("CIRCUIT_FAILURE_WINDOW_MS"), Range(1_000, 3_600_000)]
    public int FailureWindowMs { get; set; } = 300_000;

    /// <summary>How long a half-open circuit waits for its probe's answer before it lets another one try.</summary>
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

    /// <summary>The policy of a provider by its name; a name that is not known gets that of <c>global_search</c>.</summary>
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
        return new(threshold, TimeSpan.FromMilliseconds(cooldownMs), TimeSpan.FromMilliseconds(FailureWindowMs), TimeSpan.FromMilliseconds(ProbeTimeoutMs));
    }
}

/// <param name="Threshold">Failures within <paramref name="Window"/> that open the circuit, ≥ 1.</param>
/// <param name="ProbeTimeout">After this a probe that never reported is given up.</param>
public readonly record struct CircuitPolicy(int Threshold, TimeSpan Cooldown, TimeSpan Window, TimeSpan ProbeTimeout);
