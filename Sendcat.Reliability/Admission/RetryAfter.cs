namespace Sendcat.Reliability.Admission;

/// <summary>When a refused turn may ask again: scattered, so that the refused do not come back as one.</summary>
internal static class RetryAfter
{
    public static TimeSpan Jittered(AdmissionOptions options) => Jittered(options.RetryAfterMs, options.RetryAfterJitterPct, Random.Shared.NextDouble());

    /// <param name="dice">0 … 1.</param>
    /// <returns>The base moved by up to the jitter to either side, whole milliseconds, 100 ms … 60 s.</returns>
    public static TimeSpan Jittered(int baseMs, int jitterPct, double dice)
    {
        var factor = 1 + (jitterPct / 100d * ((2 * dice) - 1));
        return TimeSpan.FromMilliseconds(Math.Clamp(Math.Round(Math.Max(baseMs, 100) * factor), 100, 60_000));
    }
}
