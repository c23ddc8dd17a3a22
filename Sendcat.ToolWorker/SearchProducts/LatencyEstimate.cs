namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// How long a source may take before it is unusually late, by its answers so far: their mean and mean deviation are kept as TCP keeps those of a round trip (RFC 6298). An answer that
/// never came teaches nothing.
/// </summary>
internal sealed class LatencyEstimate(TimeProvider time)
{
    /// <summary>Fewer answers say too little.</summary>
    public const int MinimumSamples = 8;

    /// <summary>However quick a source is: what a short pause of its process or of this one costs is not unusual yet.</summary>
    public static readonly TimeSpan MinimumLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// After so long without an answer nothing is known any more. That is less than its circuit stays open by default: the probe has all the time there is, so that a source which has become
    /// slower is learned anew and not left out for good.
    /// </summary>
    public static readonly TimeSpan MaximumAge = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private double _meanMs;
    private double _deviationMs;
    private int _answers;
    private long _last;

    /// <summary>Twice the mean and four deviations, at least <see cref="MinimumLimit"/>; null: not known.</summary>
    public TimeSpan? Limit
    {
        get
        {
            lock (_gate)
            {
                return _answers < MinimumSamples || time.GetElapsedTime(_last) >= MaximumAge
                    ? null
                    : TimeSpan.FromMilliseconds(Math.Max(MinimumLimit.TotalMilliseconds, (2 * _meanMs) + (4 * _deviationMs)));
            }
        }
    }

    public void Observe(TimeSpan taken)
    {
        var ms = taken.TotalMilliseconds;
        lock (_gate)
        {
            var first = _answers == 0 || time.GetElapsedTime(_last) >= MaximumAge;
            (_answers, _meanMs, _deviationMs) = first
                ? (1, ms, ms / 2)
                : (_answers + 1, _meanMs + ((ms - _meanMs) / 8), _deviationMs + ((Math.Abs(ms - _meanMs) - _deviationMs) / 4));
            _last = time.GetTimestamp();
        }
    }
}
