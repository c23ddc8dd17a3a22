namespace Sendcat.Attacks.Fuzz;

/// <summary>The options of a fuzzer run.</summary>
/// <param name="Requests">The number of requests.</param>
/// <param name="Seed">The seed. The same seed generates the same requests, apart from the ids that the API assigns.</param>
/// <param name="Concurrency">The number of concurrent requests, each on a separate connection.</param>
internal sealed record FuzzPlan(long Requests, int Seed, int Concurrency = 24);
