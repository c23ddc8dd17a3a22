using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.Providers;

/// <summary>The providers of this program, as they were registered.</summary>
public sealed class ProviderCatalog
{
    private readonly Dictionary<string, Provider> _byName;
    private readonly CurrentKnobs _knobs;

    /// <exception cref="ArgumentException">Two providers have the same name.</exception>
    public ProviderCatalog(IEnumerable<Provider> providers, CurrentKnobs knobs)
    {
        (All, _knobs) = ([.. providers], knobs);
        _byName = All.ToDictionary(provider => provider.Name, StringComparer.Ordinal);
    }

    /// <summary>In the order of registration, in which reports list them.</summary>
    public IReadOnlyList<Provider> All { get; }

    /// <summary>The provider whose cooldown is this knob; null: it is no cooldown.</summary>
    public Provider? OfCooldown(Knob knob) =>
        knob.Member == nameof(ProviderLimits.CircuitCooldownMs)
            ? All.FirstOrDefault(provider => provider.LimitOptions == knob.Owner)
            : null;

    /// <summary>The present limits of a provider.</summary>
    /// <exception cref="ArgumentException">No provider of this name is registered.</exception>
    public ProviderLimits LimitsOf(string name) =>
        _byName.TryGetValue(name, out var provider)
            ? provider.Limits(_knobs)
            : throw new ArgumentException($"The provider {name} is not registered.", nameof(name));
}
