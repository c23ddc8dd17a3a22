namespace Sendcat.Reliability.Redis;

/// <summary>One demand on a limit shared by all replicas. Several claims are decided by one script: check everything, then take.</summary>
/// <param name="Reason">What a refusal is called, for instance <c>user_inflight</c>.</param>
/// <param name="Key">The Redis key, made by <c>RedisKeys</c>.</param>
/// <param name="Enforced">False: a breach is reported as soft-blocked and the claim is taken all the same.</param>
public abstract record Claim(string Reason, string Key, bool Enforced)
{
    /// <summary>Lets the guard that made the claim leave its own traces when it refuses, wherever it is decided.</summary>
    internal Action<ClaimOutcome>? WhenRefused { get; init; }
}

/// <summary>A place among at most <paramref name="Cap"/> holders, kept as a lease that its holder renews.</summary>
public sealed record LeaseClaim(string Reason, string Key, int Cap, TimeSpan Ttl, bool Enforced = true) : Claim(Reason, Key, Enforced)
{
    /// <summary>When a place may become free, if the owner of the limit has an idea: a lease's expiry says nothing about its end.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Tells the owner of the limit how long a place was held.</summary>
    internal Action<TimeSpan>? WhenGivenBack { get; init; }
}

/// <summary>A cost against a sliding window of <paramref name="Max"/>.</summary>
public sealed record WindowClaim(string Reason, string Key, int Max, TimeSpan Window, int Cost = 1, bool Enforced = true) : Claim(Reason, Key, Enforced)
{
    /// <summary>The cost is an estimate in this unit, set right when the turn has ended; null: it costs what is claimed.</summary>
    public SpendUnit? Reserves { get; init; }
}

/// <summary>What a turn spends.</summary>
public enum SpendUnit
{
    Tokens,
    MicroUsd,
}
