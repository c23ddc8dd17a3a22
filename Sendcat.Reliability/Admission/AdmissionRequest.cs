using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.Admission;

/// <summary>A request to start a chat turn.</summary>
public sealed record AdmissionRequest
{
    /// <summary><c>user:…</c> or <c>session:…</c>.</summary>
    public required string Principal { get; init; }

    /// <summary>Identifies the holder of all leases; unique per turn.</summary>
    public required string StreamId { get; init; }

    /// <summary>
    /// Names the message that the turn answers, among those of all principals. In every mode, one turn at a time may answer it; another one
    /// is refused before all other limits, as <see cref="AdmissionReason.SameMessage"/>. Null: not limited.
    /// </summary>
    public string? Message { get; init; }

    /// <summary>
    /// The stream of a running turn that the caller ends when this one is admitted. Its leases do not count, so that a refusal does not
    /// have to end it. Null: none.
    /// </summary>
    public string? Replaces { get; init; }

    /// <summary>
    /// The client's address and the wider networks that contain it. Each has its own share of the slots. Empty: no share applies.
    /// </summary>
    public IReadOnlyList<LimitKey> Addresses { get; init; } = [];

    /// <summary>Whether the turn counts towards the common share of all guests.</summary>
    public bool IsGuest { get; init; }

    /// <summary>
    /// Slots of the provider route that the turn will use. The base of the shares is this number or the global limit, whichever is smaller.
    /// </summary>
    public int RouteSlots { get; init; } = int.MaxValue;

    /// <summary>Whether the turn may search the web; without it one tool call less is estimated.</summary>
    public bool WebSearch { get; init; }

    /// <summary>
    /// Claims of other guards (rate limiter, provider bulkhead). They are decided in the same round trip, in every mode, after the
    /// dimensions of admission.
    /// </summary>
    public IReadOnlyList<Claim> OtherClaims { get; init; } = [];
}
