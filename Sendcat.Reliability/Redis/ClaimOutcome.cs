namespace Sendcat.Reliability.Redis;

/// <summary>How Redis, or this process alone, decided a group of claims.</summary>
public enum ClaimStatus
{
    /// <summary>All claims were taken.</summary>
    Taken,

    /// <summary>A claim refused. No claim was taken and no count has changed.</summary>
    Refused,

    /// <summary>Redis did not respond in time, and the caller chose <see cref="RedisFallback.Refuse"/>.</summary>
    Unavailable,
}

/// <summary>The decision on a group of claims.</summary>
public sealed record ClaimOutcome(ClaimStatus Status)
{
    internal static readonly ClaimOutcome Unavailable = new(ClaimStatus.Unavailable);

    /// <summary>The first claim, in the order of the group, that refused; null when none did.</summary>
    public Claim? RefusedBy { get; init; }

    /// <summary>Time until the refusing claim may fit; null when there is no estimate.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Upper bound of the units that the first window of the group still admits; null when the group has no window.</summary>
    public int? Remaining { get; init; }

    /// <summary>Reasons of the breached claims that are not enforced.</summary>
    public IReadOnlyList<string> SoftBlocked { get; init; } = [];

    /// <summary>Reasons with which the shadow group would have refused, in the order of the claims.</summary>
    public IReadOnlyList<string> WouldBlock { get; init; } = [];

    /// <summary>True: Redis was unavailable, and this process decided on its own counts alone.</summary>
    public bool Local { get; init; }

    /// <summary>What Redis returned, see <c>claim.lua</c>; null when it decided nothing.</summary>
    internal int[]? Response { get; init; }

    /// <summary>
    /// The leases that were taken. The caller must dispose it. Null when nothing was taken or the group has only windows.
    /// </summary>
    public HeldLease? Lease { get; init; }
}

/// <summary>What happens to claims when Redis does not respond in time.</summary>
public enum RedisFallback
{
    /// <summary>The outcome is <see cref="ClaimStatus.Unavailable"/>.</summary>
    Refuse,

    /// <summary>This process decides alone: with the same caps and windows, on its own counts.</summary>
    DecideLocally,
}
