using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The values that operators set at run time and that are in force, as this process last read them. They have priority over every other
/// source of a knob's value.
/// </summary>
internal sealed class KnobOverrides
{
    private volatile FrozenDictionary<string, KnobOverride> _values = FrozenDictionary<string, KnobOverride>.Empty;
    private CancellationTokenSource _changed = new();

    public KnobOverride? Find(string name) => _values.GetValueOrDefault(name);

    public IChangeToken Changes() => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    /// <summary>Replaces all overrides. Only a different value fires the change token, so that the options are read again.</summary>
    /// <returns>Whether a value is different.</returns>
    public bool Replace(IReadOnlyCollection<KnobOverride> inForce)
    {
        var before = _values;
        _values = inForce.ToFrozenDictionary(each => each.Name, StringComparer.Ordinal);
        if (before.Count == inForce.Count && inForce.All(each => before.GetValueOrDefault(each.Name)?.Value == each.Value))
        {
            return false;
        }

        using var fired = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        fired.Cancel();
        return true;
    }
}
