using System.Collections.Concurrent;

namespace Sendcat.Reliability.Bulkheads;

/// <summary>
/// Measures how long slots are held (an exponentially weighted moving average per provider), to estimate when a slot of a full bulkhead
/// becomes free.
/// </summary>
internal sealed class SlotTurnover(TimeProvider time)
{
    /// <summary>Weight of the newest use in the average.</summary>
    private const double NewestWeight = 0.1;

    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, Usage> _usages = new(StringComparer.Ordinal);

    /// <summary>The callback that a lease of the provider calls on release, with the time that it was held.</summary>
    public Action<TimeSpan> ReleaseObserver(string provider) => Of(provider).OnReleased;

    /// <summary>Estimates when a slot becomes free while all are in use.</summary>
    /// <returns>The average hold time divided by the slots, because releases are assumed to be spread evenly; 1–15 s.</returns>
    public TimeSpan NextFree(string provider, int slots)
    {
        return TimeSpan.FromMilliseconds(
            Math.Clamp((Of(provider).AverageMs ?? 0) / slots, MinRetryAfter.TotalMilliseconds, MaxRetryAfter.TotalMilliseconds));
    }

    /// <summary>Whether a full bulkhead may be reported now; if so, starts the cooldown.</summary>
    public bool MayReport(string provider, TimeSpan cooldown)
    {
        var usage = Of(provider);
        lock (usage)
        {
            if (usage.ReportedAt is { } at && time.GetElapsedTime(at) < cooldown)
            {
                return false;
            }

            usage.ReportedAt = time.GetTimestamp();
            return true;
        }
    }

    private Usage Of(string provider) => _usages.GetOrAdd(provider, static _ => new());

    private sealed class Usage
    {
        private readonly Lock _gate = new();
        private double? _averageMs;

        public Usage() => OnReleased = RecordUse;

        /// <summary>One delegate for all leases, so that a claim allocates none.</summary>
        public Action<TimeSpan> OnReleased { get; }

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

        private void RecordUse(TimeSpan took)
        {
            lock (_gate)
            {
                _averageMs = _averageMs is { } average
                    ? average + (NewestWeight * (took.TotalMilliseconds - average))
                    : took.TotalMilliseconds;
            }
        }
    }
}
