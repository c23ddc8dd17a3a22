using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>The product search over many shops: Serper, or SerpAPI when only its key is set.</summary>
public static class GlobalSearchProvider
{
    public static readonly Provider Provider = Provider.Of<GlobalSearchLimitOptions>("global_search", options => options.Limits);

    /// <summary>How requests are sent: 5 s for an attempt, and two more attempts.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(5), 2);
}

/// <summary>Limits of <see cref="GlobalSearchProvider"/>.</summary>
public sealed class GlobalSearchLimitOptions
{
    /// <summary>Failures in the window that open the circuit of the global product search.</summary>
    [Knob("CIRCUIT_GLOBAL_SEARCH_THRESHOLD", Path = "Circuit:GlobalSearchThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 4;

    /// <summary>How long the circuit of the global product search stays open.</summary>
    [Knob("CIRCUIT_GLOBAL_SEARCH_COOLDOWN_MS", Path = "Circuit:GlobalSearchCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 120_000;

    /// <summary>Most concurrent calls to the global product search, over all replicas.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT", Path = "Bulkhead:GlobalSearchMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 10;

    /// <summary>Time after the last renewal at which a slot for calls to the global product search expires.</summary>
    [Knob("BULKHEAD_GLOBAL_SEARCH_LEASE_TTL_MS", Path = "Bulkhead:GlobalSearchLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
