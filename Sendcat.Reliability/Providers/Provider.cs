using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Providers;

/// <summary>A third party that is called through a circuit breaker and a bulkhead.</summary>
/// <param name="Name">The name in Redis keys, metrics, health reports and errors, for example <c>ebay_search</c>.</param>
/// <param name="Limits">Reads the present limits from the knobs.</param>
public sealed record Provider(string Name, Func<CurrentKnobs, ProviderLimits> Limits)
{
    /// <summary>The options class whose knobs are the limits; null: they are no knobs.</summary>
    internal Type? LimitOptions { get; private init; }

    /// <summary>A provider whose limits are the knobs of an options class.</summary>
    public static Provider Of<TOptions>(string name, Func<TOptions, ProviderLimits> limits)
        where TOptions : class => new(name, knobs => limits(knobs.Of<TOptions>())) { LimitOptions = typeof(TOptions) };

    public override string ToString() => Name;
}

/// <summary>The limits of one provider.</summary>
/// <param name="CircuitThreshold">Failures within the failure window that open the circuit, ≥ 1.</param>
/// <param name="CircuitCooldownMs">How long the circuit stays open before it lets a probe through.</param>
/// <param name="MaxConcurrent">Most concurrent calls over all replicas, ≥ 1.</param>
/// <param name="LeaseTtlMs">Time after the last renewal at which a slot of the bulkhead expires.</param>
public readonly record struct ProviderLimits(int CircuitThreshold, int CircuitCooldownMs, int MaxConcurrent, int LeaseTtlMs);
