namespace Sendcat.Reliability.Redis;

/// <summary>A name that a limit is counted under.</summary>
/// <param name="Times">How many times the limit this name has: a network that holds many clients has more than one of them.</param>
public readonly record struct LimitKey(string Name, int Times = 1);
