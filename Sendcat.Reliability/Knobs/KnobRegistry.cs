namespace Sendcat.Reliability.Knobs;

/// <summary>All knobs of this process with their present values, and all rejected values.</summary>
public sealed class KnobRegistry
{
    private readonly KnobValues _values;
    private readonly Dictionary<string, Knob> _byName;

    internal KnobRegistry(IEnumerable<KnobClass> classes, KnobValues values)
    {
        _values = values;
        All = [.. classes.SelectMany(known => known.Knobs).OrderBy(knob => knob.Name, StringComparer.Ordinal)];
        _byName = All.ToDictionary(knob => knob.Name, StringComparer.Ordinal);
    }

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<Knob> All { get; }

    /// <summary>The values that are configured now but are out of range or cannot be parsed.</summary>
    public IReadOnlyList<RejectedKnob> Rejected => [.. All.Select(knob => _values.Find(knob).Rejected).OfType<RejectedKnob>()];

    public IReadOnlyList<KnobReading> Read() => [.. All.Select(Read)];

    public KnobReading Read(Knob knob)
    {
        var (found, configured) = (_values.Find(knob), _values.FindConfigured(knob));
        return new(
            knob, knob.Show(found.Value), found.Source, found.Source == KnobSource.Override ? _values.OverrideOf(knob) : null,
            knob.Show(configured.Value));
    }

    public Knob? Find(string name) => _byName.GetValueOrDefault(name);
}

/// <summary>The knobs of one options class.</summary>
internal sealed record KnobClass(Type Options)
{
    public IReadOnlyList<Knob> Knobs { get; } = [.. Knob.Of(Options)];
}
