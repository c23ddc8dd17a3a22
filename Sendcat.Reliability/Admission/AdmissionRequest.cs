using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>One chat turn that asks to start.</summary>
public sealed record AdmissionRequest
{
    /// <summary><c>user:…</c> or <c>session:…</c>.</summary>
    public required string Principal { get; init; }

    /// <summary>Names the holder of everything that is taken; unique per turn.</summary>
    public required string StreamId { get; init; }

    /// <summary>The client's address, and the wider networks that it is in; each has a share of the slots. Empty: no share limits it.</summary>
    public IReadOnlyList<LimitKey> Addresses { get; init; } = [];

    /// <summary>It counts among the guests, who have a share together.</summary>
    public bool IsGuest { get; init; }

    /// <summary>Slots of the route that the turn will use: the shares are parts of these or of the global limit, whichever is smaller.</summary>
    public int RouteSlots { get; init; } = int.MaxValue;

    public bool WebSearch { get; init; }

    /// <summary>Claims of other guards (limiter, provider bulkhead) that are decided in the same round trip, in every mode, after the admission dimensions.</summary>
    public IReadOnlyList<Claim> AlsoClaims { get; init; } = [];
}
