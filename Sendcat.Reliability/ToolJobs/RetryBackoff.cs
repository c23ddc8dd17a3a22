using Sendcat.Reliability.Timing;

namespace Sendcat.Reliability.ToolJobs;

/// <summary>Number of attempts of a job, and the backoff between them.</summary>
public static class RetryBackoff
{
    /// <summary>From <c>TOOL_JOB_RETRY_BASE_MS</c> to a minute. The jitter spreads the retries of jobs that failed together.</summary>
    private static readonly Backoff Delays = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)) { Jitter = 0.25 };

    /// <summary>Upper bound of every delay, jitter included: 75 s.</summary>
    public static readonly TimeSpan MaxDelay = Delays.Longest;

    /// <inheritdoc cref="Backoff.After"/>
    /// <param name="attempts">Attempts made so far, ≥ 1.</param>
    /// <param name="first">Delay after the first attempt.</param>
    /// <param name="random">A random number in 0…1.</param>
    public static TimeSpan After(int attempts, TimeSpan first, double random) => (Delays with { First = first }).After(attempts, random);

    /// <summary>The number of attempts of a job: the requested number, clamped to 1…max(configured, 6).</summary>
    public static int Attempts(int? requested, int configured) => Math.Clamp(requested ?? configured, 1, Math.Max(configured, 6));
}
