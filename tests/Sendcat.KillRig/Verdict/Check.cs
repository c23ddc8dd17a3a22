namespace Sendcat.KillRig.Verdict;

/// <summary>A condition that must hold after a run. It is part of the JSON report.</summary>
/// <param name="Name">The name in the report.</param>
/// <param name="Found">The number of violations, or the measured value.</param>
/// <param name="Bound">The allowed value.</param>
/// <param name="Holds">Whether the condition holds.</param>
/// <param name="Details">The first violations, at most eight.</param>
internal sealed record Check(string Name, string Found, string Bound, bool Holds, IReadOnlyList<string> Details)
{
    private const int MaxDetails = 8;

    /// <summary>A condition that holds when <paramref name="found"/> is empty.</summary>
    public static Check None<T>(string name, IEnumerable<T> found)
    {
        var all = found.Select(one => $"{one}").ToArray();
        return new(name, $"{all.Length}", "0", all.Length == 0, all[..Math.Min(MaxDetails, all.Length)]);
    }
}
