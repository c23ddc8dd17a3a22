namespace Sendcat.Reliability.Circuits;

/// <summary>A circuit for people, as of now.</summary>
/// <param name="State"><c>closed</c>, <c>open</c> or <c>half_open</c>, by the time that it is now.</param>
/// <param name="FailureCount">Failures that count towards the threshold; the threshold's own after an opening.</param>
/// <param name="SuccessCount">Of this process.</param>
public sealed record CircuitReading(
    string Provider,
    string State,
    int FailureCount,
    long SuccessCount,
    DateTimeOffset? LastFailureAt,
    DateTimeOffset? LastSuccessAt,
    DateTimeOffset? CooldownUntil,
    string? LastError,
    DateTimeOffset? UpdatedAt)
{
    /// <summary><c>key</c> or <c>quota</c> while the provider does not serve our account; null otherwise.</summary>
    public string? Suspended { get; init; }
}
