using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>Serper, the web search.</summary>
public static class SerperProvider
{
    public static readonly Provider Provider = Provider.Of<SerperLimitOptions>("serper_search", options => options.Limits);

    /// <summary>How requests are sent: 7 s for an attempt, and two more attempts.</summary>
    public static readonly UpstreamPolicy Policy = new(Provider.Name, TimeSpan.FromSeconds(7), 2);
}

/// <summary>Limits of <see cref="SerperProvider"/>.</summary>
public sealed class SerperLimitOptions
{
    /// <summary>Failures in the window that open the circuit of Serper.</summary>
    [Knob("CIRCUIT_SERPER_THRESHOLD", Path = "Circuit:SerperThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 4;

    /// <summary>How long the circuit of Serper stays open.</summary>
    [Knob("CIRCUIT_SERPER_COOLDOWN_MS", Path = "Circuit:SerperCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 120_000;

    /// <summary>Most concurrent calls to Serper, over all replicas.</summary>
    [Knob("BULKHEAD_SERPER_MAX_CONCURRENT", Path = "Bulkhead:SerperMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 12;

    /// <summary>Time after the last renewal at which a slot for calls to Serper expires.</summary>
    [Knob("BULKHEAD_SERPER_LEASE_TTL_MS", Path = "Bulkhead:SerperLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
