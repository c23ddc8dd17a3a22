namespace Sendcat.Reliability.ToolJobs;

/// <summary>Backoff with jitter between the attempts of a job.</summary>
public static class RetryBackoff
{
    private static readonly TimeSpan MaxDelayWithoutJitter = TimeSpan.FromSeconds(60);

    /// <summary>Maximum jitter, as a share of the delay.</summary>
    private const double MaxJitter = 0.25;

    /// <summary>Upper bound of every delay, jitter included: 75 s.</summary>
    public static readonly TimeSpan MaxDelay = MaxDelayWithoutJitter * (1 + MaxJitter);

    /// <summary>The delay before the next attempt.</summary>
    /// <param name="attempts">Attempts made so far, ≥ 1.</param>
    /// <param name="first">Delay after the first attempt. It doubles with each further attempt, up to a minute.</param>
    /// <param name="jitter">
    /// A random number in 0…1 from the caller. Jitter only lengthens the delay. It spreads the retries of jobs that failed together.
    /// </param>
    public static TimeSpan After(int attempts, TimeSpan first, double jitter)
    {
        var doublings = Math.Clamp(attempts - 1, 0, 30);
        var delay = Math.Min(first.TotalMilliseconds * (1L << doublings), MaxDelayWithoutJitter.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(delay * (1 + (MaxJitter * jitter)));
    }

    /// <summary>The number of attempts of a job: the requested number, clamped to 1…max(configured, 6).</summary>
    public static int Attempts(int? requested, int configured) => Math.Clamp(requested ?? configured, 1, Math.Max(configured, 6));
}
