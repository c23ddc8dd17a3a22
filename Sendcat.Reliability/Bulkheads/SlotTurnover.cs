using System.Collections.Concurrent;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>How long places are used of late: with that a full lane can say when one is likely to be free.</summary>
internal sealed class SlotTurnover(TimeProvider time)
{
    /// <summary>Weight of the newest use in the average.</summary>
    private const double Newest = 0.1;

    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, Lane> _lanes = new(StringComparer.Ordinal);

    /// <summary>What a lease of this lane reports to when it is given back.</summary>
    public Action<TimeSpan> Watch(string provider) => Of(provider).Used;

    /// <returns>With every place taken and ends spread evenly, one is free after the average use divided by the places; 1–15 s.</returns>
    public TimeSpan NextFree(string provider, int places)
    {
        return TimeSpan.FromMilliseconds(Math.Clamp((Of(provider).AverageMs ?? 0) / places, Least.TotalMilliseconds, Most.TotalMilliseconds));
    }

    /// <summary>Whether a saturation may be told again.</summary>
    public bool MayReport(string provider, TimeSpan cooldown)
    {
        var lane = Of(provider);
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

    private Lane Of(string provider) => _lanes.GetOrAdd(provider, static _ => new());

    private sealed class Lane
    {
        private readonly Lock _gate = new();
        private double? _averageMs;

        public Lane() => Used = Use;

        /// <summary>One delegate for all leases.</summary>
        public Action<TimeSpan> Used { get; }

        public long? ReportedAt { get; set; }

        public double? AverageMs
        {
            get
            {
                lock (_gate)
                {
                    return _averageMs;
                }
            }
        }

        private void Use(TimeSpan took)
        {
            lock (_gate)
            {
                _averageMs = _averageMs is { } average ? average + (Newest * (took.TotalMilliseconds - average)) : took.TotalMilliseconds;
            }
        }
    }
}
