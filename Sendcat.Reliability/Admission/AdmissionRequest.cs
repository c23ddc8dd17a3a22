using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>One chat turn that asks to start.</summary>
public sealed record AdmissionRequest
{
    /// <summary><c>user:…</c> or <c>session:…</c>.</summary>
    public required string Principal { get; init; }

    /// <summary>Names the holder of everything that is taken; unique per turn.</summary>
    public required string StreamId { get; init; }

    public bool WebSearch { get; init; }

    /// <summary>Claims of other guards (limiter, provider bulkhead) that are decided in the same round trip, in every mode, after the admission dimensions.</summary>
    public IReadOnlyList<Claim> AlsoClaims { get; init; } = [];
}
