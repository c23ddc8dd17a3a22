namespace Sendcat.Benchmarks.Load;

/// <summary>The number and concurrency of the streams of a load.</summary>
/// <param name="Streams">The number of streams.</param>
/// <param name="Concurrency">
/// The number of concurrent streams (slots). Each slot starts its next stream when its last one has ended.
/// </param>
/// <param name="Spread">The time over which the first starts of the slots are spread evenly; zero: all start at the same time.</param>
/// <param name="Pieces">The number of pieces of text in a complete stream.</param>
internal sealed record LoadPlan(int Streams, int Concurrency, TimeSpan Spread, int Pieces);
