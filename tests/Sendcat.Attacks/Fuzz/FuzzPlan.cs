namespace Sendcat.Attacks.Fuzz;

/// <param name="Requests">How many in all.</param>
/// <param name="Seed">The same seed makes the same requests, apart from the ids that the API gave out.</param>
/// <param name="Concurrency">How many at once, each on a connection of its own.</param>
internal sealed record FuzzPlan(long Requests, int Seed, int Concurrency = 24);
