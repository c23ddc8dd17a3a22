namespace Sendcat.Reliability.Slo;

/// <summary>The requests of one endpoint in the minutes before a moment.</summary>
/// <param name="Minutes">The length.</param>
/// <param name="Covered">Minutes that were recorded. The others are gaps: what happened in them is unknown.</param>
public sealed record SliWindow(int Minutes, long Covered, SliCounts Counts);

/// <summary>
/// The windows that end at one moment. A minute belongs to every window that is long enough to reach back to it, so it is added once, to
/// its ring: the shortest of these windows.
/// </summary>
public sealed class SliWindows
{
    private readonly Dictionary<string, SliWindow[]> _rings = new(StringComparer.Ordinal);

    /// <param name="end">The end of the newest minute, a whole minute. Later minutes are not counted.</param>
    /// <param name="minutes">The lengths, ascending.</param>
    public SliWindows(DateTimeOffset end, IReadOnlyList<int> minutes) => (End, Lengths) = (end, minutes);

    public DateTimeOffset End { get; }

    /// <summary>The lengths of the windows in minutes, ascending.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>The start of the newest recorded minute of any endpoint; null without one.</summary>
    public DateTimeOffset? Newest { get; private set; }

    /// <summary>The whole minute that a moment is in.</summary>
    public static DateTimeOffset MinuteOf(DateTimeOffset moment) =>
        new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);

    /// <summary>Adds a recorded minute. Minutes outside of all windows are left out.</summary>
    /// <param name="minute">Its start.</param>
    public void Add(string endpoint, DateTimeOffset minute, SliCounts counts)
    {
        var age = (End - minute).Ticks / TimeSpan.TicksPerMinute;
        for (var ring = 0; age > 0 && ring < Lengths.Count; ring++)
        {
            if (age <= Lengths[ring])
            {
                AddRing(endpoint, ring, 1, counts, minute);
                return;
            }
        }
    }

    /// <summary>Adds the sum of recorded minutes.</summary>
    /// <param name="ring">Index in <see cref="Lengths"/> of the shortest window that the minutes are in.</param>
    /// <param name="covered">How many minutes they are.</param>
    /// <param name="newest">The start of the newest of them.</param>
    public void AddRing(string endpoint, int ring, long covered, SliCounts counts, DateTimeOffset newest)
    {
        if (!_rings.TryGetValue(endpoint, out var rings))
        {
            _rings[endpoint] = rings = [.. Lengths.Select(length => new SliWindow(length, 0, new()))];
        }

        rings[ring].Counts.Add(counts);
        rings[ring] = rings[ring] with { Covered = rings[ring].Covered + covered };
        Newest = Newest is { } known && known >= newest ? known : newest;
    }

    /// <param name="minutes">One of <see cref="Lengths"/>.</param>
    public SliWindow Of(string endpoint, int minutes)
    {
        var sum = new SliWindow(minutes, 0, new());
        foreach (var ring in _rings.TryGetValue(endpoint, out var rings) ? rings : [])
        {
            if (ring.Minutes <= minutes)
            {
                sum.Counts.Add(ring.Counts);
                sum = sum with { Covered = sum.Covered + ring.Covered };
            }
        }

        return sum;
    }
}
