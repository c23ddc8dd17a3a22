namespace Sendcat.Reliability.Timing;

/// <summary>Exponential backoff: the delay doubles with each consecutive failure, up to a maximum.</summary>
/// <param name="First">The delay after the first failure.</param>
/// <param name="Max">The longest delay, before jitter.</param>
public sealed record Backoff(TimeSpan First, TimeSpan Max)
{
    /// <summary>Largest jitter, as a share of the delay. Jitter only lengthens a delay.</summary>
    public double Jitter { get; init; }

    /// <summary>The longest delay, jitter included.</summary>
    public TimeSpan Longest => Max * (1 + Jitter);

    /// <summary>The delay before the next attempt.</summary>
    /// <param name="failures">Consecutive failures, ≥ 1.</param>
    /// <param name="random">
    /// A random number in 0…1 from the caller, which spreads the retries of callers that failed together. 0: no jitter.
    /// </param>
    public TimeSpan After(int failures, double random = 0)
    {
        // The exponent is limited, so that the product stays finite after any number of failures.
        var delay = First.TotalMilliseconds * Math.Pow(2, Math.Clamp(failures - 1, 0, 62));
        return TimeSpan.FromMilliseconds(Math.Min(delay, Max.TotalMilliseconds) * (1 + (Jitter * random)));
    }
}
