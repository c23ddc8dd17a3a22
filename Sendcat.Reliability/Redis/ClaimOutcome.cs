namespace Sendcat.Reliability.Redis;

public enum ClaimStatus
{
    /// <summary>Everything was taken.</summary>
    Taken,

    /// <summary>Nothing was taken and nothing has changed.</summary>
    Refused,

    /// <summary>Redis did not answer in time, and the caller did not want a local decision.</summary>
    Unavailable,
}

/// <summary>How a group of claims was decided.</summary>
public sealed record ClaimOutcome(ClaimStatus Status)
{
    internal static readonly ClaimOutcome Unavailable = new(ClaimStatus.Unavailable);

    /// <summary>The first claim in order that refused.</summary>
    public Claim? RefusedBy { get; init; }

    /// <summary>When the refusing claim may fit; null where nobody knows.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the first window of the group still holds, at most; null without one.</summary>
    public int? Remaining { get; init; }

    /// <summary>Reasons of breached claims that are not enforced.</summary>
    public IReadOnlyList<string> SoftBlocked { get; init; } = [];

    /// <summary>Reasons that the shadow group would have refused with, in order.</summary>
    public IReadOnlyList<string> WouldBlock { get; init; } = [];

    /// <summary>Decided on the limits of this process alone, because Redis was away.</summary>
    public bool Local { get; init; }

    /// <summary>What was taken and must be given back; null when only windows were claimed or nothing was taken.</summary>
    public HeldLease? Lease { get; init; }
}

/// <summary>What to do when Redis does not answer.</summary>
public enum RedisFallback
{
    Refuse,

    /// <summary>Decide on the limits of this process alone: each cap and window, but counted here only.</summary>
    DecideLocally,
}
