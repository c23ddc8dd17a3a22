namespace Sendcat.Benchmarks.Load;

/// <param name="Streams">How many in all.</param>
/// <param name="Concurrency">How many at once; each place starts its next stream when its last one ended.</param>
/// <param name="Spread">Over which time the places make their first start, evenly; zero: all at once.</param>
/// <param name="Pieces">How many pieces of text a whole stream has.</param>
internal sealed record LoadPlan(int Streams, int Concurrency, TimeSpan Spread, int Pieces);
