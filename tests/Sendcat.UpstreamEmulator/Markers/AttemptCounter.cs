using System.Collections.Concurrent;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>
/// Counts the attempts for the marker <c>times=</c>. A retry sends the same request to the same route, so both share one counter.
/// </summary>
internal sealed class AttemptCounter
{
    private const int MaxCounters = 100_000;

    private readonly ConcurrentDictionary<(string Block, string Route, string Request), int> attempts = new();

    /// <summary>Counts this attempt and returns whether the block still applies to it.</summary>
    public bool StillApplies<T>(MarkerBlock<T> block, string route, string request)
    {
        if (block.Times is not { } times)
        {
            return true;
        }

        if (attempts.Count > MaxCounters)
        {
            attempts.Clear();
        }

        return attempts.AddOrUpdate((block.Text, route, block.Key ?? request), 1, (_, n) => n + 1) <= times;
    }

    public void Clear() => attempts.Clear();
}
