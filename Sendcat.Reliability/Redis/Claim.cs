namespace Sendcat.Reliability.Redis;

/// <summary>
/// A request for a share of a limit that all replicas share. One script decides several claims together: it checks all of them, then takes
/// all or none.
/// </summary>
/// <param name="Reason">The name of a refusal by this limit, for instance <c>user_inflight</c>.</param>
/// <param name="Key">The Redis key of the limit, built by <c>RedisKeys</c>.</param>
/// <param name="Enforced">False: a breach is only reported as soft-blocked, and the claim is taken.</param>
public abstract record Claim(string Reason, string Key, bool Enforced)
{
    /// <summary>
    /// Called when this claim is the one that refuses, so that the guard that owns the limit records its own metrics, events and logs.
    /// </summary>
    internal Action<ClaimOutcome>? OnRefused { get; init; }
}

/// <summary>A claim for one of at most <paramref name="Cap"/> slots. The slot is a lease that its holder renews.</summary>
/// <param name="Cap">Most holders at once.</param>
/// <param name="Ttl">Time after the last renewal at which the lease expires.</param>
public sealed record LeaseClaim(string Reason, string Key, int Cap, TimeSpan Ttl, bool Enforced = true) : Claim(Reason, Key, Enforced)
{
    /// <summary>
    /// Estimate of when a slot becomes free; null when the owner of the limit has none. The expiry of a lease is no estimate, because the
    /// holder renews it.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Called when the lease is released, with the time that the slot was held.</summary>
    internal Action<TimeSpan>? OnReleased { get; init; }
}

/// <summary>A claim for <paramref name="Cost"/> units of a sliding window that admits at most <paramref name="Max"/>.</summary>
/// <param name="Max">Most units in the window.</param>
/// <param name="Window">Length of the window.</param>
/// <param name="Cost">Units that this claim counts as.</param>
public sealed record WindowClaim(
    string Reason, string Key, int Max, TimeSpan Window, int Cost = 1, bool Enforced = true) : Claim(Reason, Key, Enforced)
{
    /// <summary>The unit of a cost that is only an estimate and is corrected when the turn ends. Null: the cost is final.</summary>
    public SpendUnit? Reserves { get; init; }
}

/// <summary>The unit of a turn's estimated cost.</summary>
public enum SpendUnit
{
    Tokens,

    /// <summary>Millionths of a US dollar.</summary>
    MicroUsd,
}
