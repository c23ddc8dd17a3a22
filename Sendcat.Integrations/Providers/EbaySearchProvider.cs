using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>eBay’s APIs.</summary>
public static class EbaySearchProvider
{
    public static readonly Provider Provider = Provider.Of<EbaySearchLimitOptions>("ebay_search", options => options.Limits);

    /// <summary>How requests are sent: 8 s for an attempt, and two more attempts.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(8), 2);
}

/// <summary>Limits of <see cref="EbaySearchProvider"/>.</summary>
public sealed class EbaySearchLimitOptions
{
    /// <summary>Failures in the window that open the circuit of eBay.</summary>
    [Knob("CIRCUIT_EBAY_THRESHOLD", Path = "Circuit:EbayThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 4;

    /// <summary>How long the circuit of eBay stays open.</summary>
    [Knob("CIRCUIT_EBAY_COOLDOWN_MS", Path = "Circuit:EbayCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 120_000;

    /// <summary>Most concurrent calls to eBay, over all replicas.</summary>
    [Knob("BULKHEAD_EBAY_MAX_CONCURRENT", Path = "Bulkhead:EbayMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for calls to eBay expires.</summary>
    [Knob("BULKHEAD_EBAY_LEASE_TTL_MS", Path = "Bulkhead:EbayLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
