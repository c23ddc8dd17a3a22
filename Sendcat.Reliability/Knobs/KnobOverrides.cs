using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace Sendcat.Reliability.Knobs;

/// <summary>The values that operators set at run time, as this process last saw them. Above everything else that configures a knob.</summary>
internal sealed class KnobOverrides
{
    private volatile FrozenDictionary<string, string> _values = FrozenDictionary<string, string>.Empty;
    private CancellationTokenSource _changed = new();

    public string? Find(string name) => _values.GetValueOrDefault(name);

    public IChangeToken Changes() => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    /// <summary>Takes the whole table; the options are read anew only if something differs.</summary>
    /// <returns>Whether something did.</returns>
    public bool Replace(IReadOnlyDictionary<string, string> values)
    {
        var before = _values;
        if (before.Count == values.Count && values.All(pair => before.GetValueOrDefault(pair.Key) == pair.Value))
        {
            return false;
        }

        _values = values.ToFrozenDictionary(StringComparer.Ordinal);
        using var fired = Interlocked.Exchange(ref _changed, new CancellationTokenSource());
        fired.Cancel();
        return true;
    }
}
