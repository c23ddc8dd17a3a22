namespace Sendcat.KillRig.Verdict;

/// <summary>Something that must hold after a run.</summary>
/// <param name="Found">How often it did not, or the measured value.</param>
/// <param name="Bound">What is allowed.</param>
/// <param name="Details">Some of the cases.</param>
internal sealed record Check(string Name, string Found, string Bound, bool Holds, IReadOnlyList<string> Details)
{
    private const int Shown = 8;

    /// <summary>Nothing of the kind may be found.</summary>
    public static Check None<T>(string name, IEnumerable<T> found)
    {
        var all = found.Select(one => $"{one}").ToArray();
        return new(name, $"{all.Length}", "0", all.Length == 0, all[..Math.Min(Shown, all.Length)]);
    }
}
