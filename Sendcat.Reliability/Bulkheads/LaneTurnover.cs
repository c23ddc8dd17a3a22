using System.Collections.Concurrent;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>How long places are used of late: with that a full lane can say when one is likely to be free.</summary>
internal sealed class LaneTurnover(TimeProvider time)
{
    /// <summary>Weight of the newest use in the average.</summary>
    private const double Newest = 0.1;

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, Lane> _lanes = new(StringComparer.Ordinal);

    public void Used(string provider, TimeSpan took)
    {
        var lane = _lanes.GetOrAdd(provider, _ => new());
        lock (lane)
        {
            lane.AverageMs = lane.AverageMs is { } average ? average + (Newest * (took.TotalMilliseconds - average)) : took.TotalMilliseconds;
        }
    }

    /// <returns>With every place taken and ends spread evenly, one is free after the average use divided by the places; 1–15 s.</returns>
    public TimeSpan NextFree(string provider, int places)
    {
        if (!_lanes.TryGetValue(provider, out var lane))
        {
            return Least;
        }

        double? average;
        lock (lane)
        {
            average = lane.AverageMs;
        }

        return TimeSpan.FromMilliseconds(Math.Clamp((average ?? 0) / places, Least.TotalMilliseconds, Most.TotalMilliseconds));
    }

    /// <summary>Whether a saturation may be told again.</summary>
    public bool MayReport(string provider, TimeSpan cooldown)
    {
        var lane = _lanes.GetOrAdd(provider, _ => new());
        lock (lane)
        {
            if (lane.ReportedAt is { } at && time.GetElapsedTime(at) < cooldown)
            {
                return false;
            }

            lane.ReportedAt = time.GetTimestamp();
            return true;
        }
    }

    private sealed class Lane
    {
        public double? AverageMs { get; set; }

        public long? ReportedAt { get; set; }
    }
}
