using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>The routes to the chat models. Each route is a provider, because each must be able to replace the other.</summary>
public static class ChatProviders
{
    public static readonly Provider Primary = Provider.Of<PrimaryChatLimitOptions>("openrouter_chat_primary", options => options.Limits);

    public static readonly Provider Secondary =
        Provider.Of<SecondaryChatLimitOptions>("openrouter_chat_secondary", options => options.Limits);

    /// <summary>Chat as one provider (legacy name). Nothing calls it; operators may have limits and alerts under the name.</summary>
    public static readonly Provider Legacy = Provider.Of<LegacyChatLimitOptions>("openrouter_chat", options => options.Limits);
}

/// <summary>Limits of <see cref="ChatProviders.Primary"/>.</summary>
public sealed class PrimaryChatLimitOptions
{
    /// <summary>Failures in the window that open the circuit of the primary chat route.</summary>
    [Knob("CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD", Path = "Circuit:OpenRouterPrimaryThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 5;

    /// <summary>How long the circuit of the primary chat route stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_PRIMARY_COOLDOWN_MS", Path = "Circuit:OpenRouterPrimaryCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 60_000;

    /// <summary>Most concurrent streams of the primary chat route, over all replicas.</summary>
    [Knob("BULKHEAD_OR_PRI_MAX_CONCURRENT", Path = "Bulkhead:OpenRouterPrimaryMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 24;

    /// <summary>Time after the last renewal at which a slot for streams of the primary chat route expires.</summary>
    [Knob("BULKHEAD_OR_PRI_LEASE_TTL_MS", Path = "Bulkhead:OpenRouterPrimaryLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 600_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}

/// <summary>Limits of <see cref="ChatProviders.Secondary"/>.</summary>
public sealed class SecondaryChatLimitOptions
{
    /// <summary>Failures in the window that open the circuit of the secondary chat route.</summary>
    [Knob("CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD", Path = "Circuit:OpenRouterSecondaryThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 4;

    /// <summary>How long the circuit of the secondary chat route stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_SECONDARY_COOLDOWN_MS", Path = "Circuit:OpenRouterSecondaryCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 45_000;

    /// <summary>Most concurrent streams of the secondary chat route, over all replicas.</summary>
    [Knob("BULKHEAD_OR_SEC_MAX_CONCURRENT", Path = "Bulkhead:OpenRouterSecondaryMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 16;

    /// <summary>Time after the last renewal at which a slot for streams of the secondary chat route expires.</summary>
    [Knob("BULKHEAD_OR_SEC_LEASE_TTL_MS", Path = "Bulkhead:OpenRouterSecondaryLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 600_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}

/// <summary>Limits of <see cref="ChatProviders.Legacy"/>.</summary>
public sealed class LegacyChatLimitOptions
{
    /// <summary>Failures in the window that open the circuit of chat as one provider (legacy name).</summary>
    [Knob("CIRCUIT_OPENROUTER_THRESHOLD", Path = "Circuit:OpenRouterThreshold", WithoutEffect = true), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 5;

    /// <summary>How long the circuit of chat as one provider (legacy name) stays open.</summary>
    [Knob("CIRCUIT_OPENROUTER_COOLDOWN_MS", Path = "Circuit:OpenRouterCooldownMs", WithoutEffect = true), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 60_000;

    /// <summary>Most concurrent chat streams under the legacy name, over all replicas.</summary>
    [Knob("BULKHEAD_OPENROUTER_MAX_CONCURRENT", Path = "Bulkhead:OpenRouterMaxConcurrent", WithoutEffect = true), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 24;

    /// <summary>Time after the last renewal at which a slot for chat streams under the legacy name expires.</summary>
    [Knob("BULKHEAD_OPENROUTER_LEASE_TTL_MS", Path = "Bulkhead:OpenRouterLeaseTtlMs", WithoutEffect = true), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 600_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
