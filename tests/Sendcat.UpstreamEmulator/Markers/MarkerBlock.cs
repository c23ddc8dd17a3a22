namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>A marker: its name and what it changes. The README explains each; a test holds the two together.</summary>
internal sealed record Marker<T>(string Name, Action<T, string> Apply);

/// <summary>One <c>[[emu …]]</c>: settings, and the conditions under which they apply.</summary>
/// <param name="Conditions">What it is about, by the language's own names.</param>
/// <param name="Times">Only the first n attempts of the same question.</param>
/// <param name="Key">What "the same question" is for <paramref name="Times"/>, instead of what the upstream takes for it.</param>
/// <param name="Text">The block as written; part of the identity of its attempts.</param>
internal sealed record MarkerBlock<T>(IReadOnlyDictionary<string, string> Conditions, int? Times, string? Key, IReadOnlyList<(Marker<T> Marker, string Value)> Settings, string Text)
{
    public void ApplyTo(T directions)
    {
        foreach (var (marker, value) in Settings)
        {
            marker.Apply(directions, value);
        }
    }
}
