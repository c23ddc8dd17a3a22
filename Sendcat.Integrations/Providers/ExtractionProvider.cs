using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;

namespace Sendcat.Integrations.Providers;

/// <summary>The models that read order mails and pictures. Chats and extraction do not use up each other's slots.</summary>
public static class ExtractionProvider
{
    public static readonly Provider Provider = Provider.Of<ExtractionLimitOptions>("openrouter_extraction", options => options.Limits);
}

/// <summary>Limits of <see cref="ExtractionProvider"/>.</summary>
public sealed class ExtractionLimitOptions
{
    /// <summary>Failures in the window that open the circuit of the extraction from mails.</summary>
    [Knob("CIRCUIT_EXTRACTION_THRESHOLD", Path = "Circuit:ExtractionThreshold"), Range(1, 100)]
    public int CircuitThreshold { get; set; } = 5;

    /// <summary>How long the circuit of the extraction from mails stays open.</summary>
    [Knob("CIRCUIT_EXTRACTION_COOLDOWN_MS", Path = "Circuit:ExtractionCooldownMs"), Range(1_000, 3_600_000)]
    public int CircuitCooldownMs { get; set; } = 60_000;

    /// <summary>Most concurrent model calls of the extraction from mails, over all replicas.</summary>
    [Knob("BULKHEAD_EXTRACTION_MAX_CONCURRENT", Path = "Bulkhead:ExtractionMaxConcurrent"), Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 8;

    /// <summary>Time after the last renewal at which a slot for model calls of the extraction expires.</summary>
    [Knob("BULKHEAD_EXTRACTION_LEASE_TTL_MS", Path = "Bulkhead:ExtractionLeaseTtlMs"), Range(15_000, 3_600_000)]
    public int LeaseTtlMs { get; set; } = 60_000;

    internal ProviderLimits Limits => new(CircuitThreshold, CircuitCooldownMs, MaxConcurrent, LeaseTtlMs);
}
