namespace Sendcat.Reliability.ToolJobs;

/// <summary>When a failed job is tried again.</summary>
public static class RetryBackoff
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>What jitter adds at most, as a share of the delay.</summary>
    private const double MostJitter = 0.25;

    /// <summary>No retry waits longer.</summary>
    public static readonly TimeSpan Most = Longest * (1 + MostJitter);

    /// <param name="attempts">Attempts made so far, ≥ 1.</param>
    /// <param name="first">Delay after the first attempt; doubles with each further one up to a minute.</param>
    /// <param name="jitter">0…1, drawn by the caller. It only lengthens, so that jobs which failed together do not come back together.</param>
    public static TimeSpan After(int attempts, TimeSpan first, double jitter)
    {
        var doublings = Math.Clamp(attempts - 1, 0, 30);
        var delay = Math.Min(first.TotalMilliseconds * (1L << doublings), Longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(delay * (1 + (MostJitter * jitter)));
    }

    /// <summary>Attempts that a job gets: what its request wants, within 1…max(configured, 6).</summary>
    public static int Attempts(int? wanted, int configured) => Math.Clamp(wanted ?? configured, 1, Math.Max(configured, 6));
}
