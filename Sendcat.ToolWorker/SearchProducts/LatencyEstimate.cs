namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>
/// Estimates the time after which a source is unusually slow, from the latencies of its responses: an EWMA of their mean and of their mean
/// deviation, as TCP computes them for the round-trip time (RFC 6298). A request without a response does not change the estimate.
/// </summary>
internal sealed class LatencyEstimate(TimeProvider time)
{
    /// <summary>Minimum number of samples. With fewer samples there is no estimate.</summary>
    public const int MinimumSamples = 8;

    /// <summary>
    /// Lower bound of the limit, however fast the source is. A short pause of its process or of this process must not count as unusually
    /// slow.
    /// </summary>
    public static readonly TimeSpan MinimumLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// Maximum age of the last sample; after it the estimate is discarded. It is shorter than the default time for which the circuit
    /// breaker stays open, so the probe of a half-open circuit runs without this limit. A source that has become slower is measured again
    /// and is not excluded for ever.
    /// </summary>
    public static readonly TimeSpan MaximumAge = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private double _meanMs;
    private double _deviationMs;
    private int _samples;
    private long _lastSampleAt;

    /// <summary>Twice the mean plus four times the mean deviation, at least <see cref="MinimumLimit"/>. Null: no estimate.</summary>
    public TimeSpan? Limit
    {
        get
        {
            lock (_gate)
            {
                return _samples < MinimumSamples || time.GetElapsedTime(_lastSampleAt) >= MaximumAge
                    ? null
                    : TimeSpan.FromMilliseconds(Math.Max(MinimumLimit.TotalMilliseconds, (2 * _meanMs) + (4 * _deviationMs)));
            }
        }
    }

    /// <summary>Adds the latency of a response.</summary>
    public void Observe(TimeSpan latency)
    {
        var ms = latency.TotalMilliseconds;
        lock (_gate)
        {
            var first = _samples == 0 || time.GetElapsedTime(_lastSampleAt) >= MaximumAge;
            (_samples, _meanMs, _deviationMs) = first
                ? (1, ms, ms / 2)
                : (_samples + 1, _meanMs + ((ms - _meanMs) / 8), _deviationMs + ((Math.Abs(ms - _meanMs) - _deviationMs) / 4));
            _lastSampleAt = time.GetTimestamp();
        }
    }
}
