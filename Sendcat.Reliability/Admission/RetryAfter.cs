namespace Sendcat.Reliability.Admission;

/// <summary>The retry time of a refused turn, with jitter, so that refused clients do not retry at the same moment.</summary>
internal static class RetryAfter
{
    public static TimeSpan Jittered(AdmissionOptions options) =>
        Jittered(options.RetryAfterMs, options.RetryAfterJitterPct, Random.Shared.NextDouble());

    /// <param name="baseMs">The time before jitter, in ms.</param>
    /// <param name="jitterPct">Largest change in either direction, in percent.</param>
    /// <param name="random">A random number from 0 to 1.</param>
    /// <returns>The base plus or minus at most the jitter, in whole milliseconds, 100 ms … 60 s.</returns>
    public static TimeSpan Jittered(int baseMs, int jitterPct, double random)
    {
        var factor = 1 + (jitterPct / 100d * ((2 * random) - 1));
        return TimeSpan.FromMilliseconds(Math.Clamp(Math.Round(Math.Max(baseMs, 100) * factor), 100, 60_000));
    }
}
