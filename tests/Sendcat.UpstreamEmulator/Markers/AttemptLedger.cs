using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>Counts attempts for <c>times=</c>: a retry asks the same of the same route, so it meets its own count.</summary>
internal sealed class AttemptLedger
{
    private const int Kept = 100_000;

    private readonly ConcurrentDictionary<(string Block, string Route, string Question), int> attempts = new();

    /// <summary>Counts this attempt and says whether the block still applies to it.</summary>
    public bool StillApplies<T>(MarkerBlock<T> block, string route, string question)
    {
        if (block.Times is not { } times)
        {
            return true;
        }

        if (attempts.Count > Kept)
        {
            attempts.Clear();
        }

        return attempts.AddOrUpdate((block.Text, route, block.Key ?? question), 1, (_, n) => n + 1) <= times;
    }

    public void Clear() => attempts.Clear();
}
