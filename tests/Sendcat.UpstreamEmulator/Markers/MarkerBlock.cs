namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>
/// A marker: its name and the setting that it changes. The README describes every marker; a test checks that none is missing.
/// </summary>
internal sealed record Marker<T>(string Name, Action<T, string> Apply);

/// <summary>One <c>[[emu …]]</c> block: settings, and the conditions under which they apply.</summary>
/// <param name="Conditions">The conditions of the block, by name. Each marker language defines its own names.</param>
/// <param name="Times">The block applies to the first n attempts of the same request only; null: to all attempts.</param>
/// <param name="Key">
/// For <paramref name="Times"/>: attempts with this key count as the same request, instead of the upstream's own rule.
/// </param>
/// <param name="Settings">The markers of the block with their values, in order.</param>
/// <param name="Text">The block as written. It is part of the key under which attempts are counted.</param>
internal sealed record MarkerBlock<T>(
    IReadOnlyDictionary<string, string> Conditions, int? Times, string? Key, IReadOnlyList<(Marker<T> Marker, string Value)> Settings,
    string Text)
{
    public void ApplyTo(T directions)
    {
        foreach (var (marker, value) in Settings)
        {
            marker.Apply(directions, value);
        }
    }
}
