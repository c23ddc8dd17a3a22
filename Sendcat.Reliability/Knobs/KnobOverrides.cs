using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The values that operators set at run time, as this process last read them. They have priority over every other source of a knob's value.
/// </summary>
internal sealed class KnobOverrides
{
    private volatile FrozenDictionary<string, string> _values = FrozenDictionary<string, string>.Empty;
    private CancellationTokenSource _changed = new();

    public string? Find(string name) => _values.GetValueOrDefault(name);

    public IChangeToken Changes() => new CancellationChangeToken(Volatile.Read(ref _changed).Token);

    /// <summary>
    /// Replaces all overrides by the rows of the table. Only a difference fires the change token, so that the options are read again.
    /// </summary>
    /// <returns>Whether there was a difference.</returns>
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
