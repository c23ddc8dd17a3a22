namespace Sendcat.Reliability.Circuits;

/// <summary>The present state of a circuit, for operators.</summary>
/// <param name="Provider">Name of the provider.</param>
/// <param name="State"><c>closed</c>, <c>open</c> or <c>half_open</c>, at the time of the reading.</param>
/// <param name="FailureCount">
/// While closed, the failures that count towards the threshold. Otherwise the failures that opened the circuit, ≥ 1.
/// </param>
/// <param name="SuccessCount">Successful calls of this process since its start.</param>
/// <param name="LastFailureAt">Time of the last failure in this process.</param>
/// <param name="LastSuccessAt">Time of the last success in this process.</param>
/// <param name="CooldownUntil">End of the cooldown; null while closed.</param>
/// <param name="LastError">
/// Error of the last failure in this process, of an open circuit in the replica that opened it; null while the circuit is closed without
/// failures.
/// </param>
/// <param name="UpdatedAt">Time of the last failure, success or change of state in this process.</param>
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
    /// <summary>
    /// <c>key</c> or <c>quota</c> while the provider is suspended because it rejects our account, <c>operator</c> while it is isolated;
    /// null otherwise.
    /// </summary>
    public string? Suspended { get; init; }
}
