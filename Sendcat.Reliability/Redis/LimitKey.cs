namespace Sendcat.Reliability.Redis;

/// <summary>The name under which a limit counts, for instance a client address or a network.</summary>
/// <param name="Name">The name.</param>
/// <param name="Times">Multiplier of the limit, ≥ 1: a network with many clients gets a multiple of one client's limit.</param>
public readonly record struct LimitKey(string Name, int Times = 1);
