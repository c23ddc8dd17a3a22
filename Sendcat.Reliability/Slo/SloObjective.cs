namespace Sendcat.Reliability.Slo;

/// <summary>An objective of one endpoint: the share of good requests that it promises.</summary>
/// <param name="Endpoint">The path.</param>
/// <param name="Target">The share of good requests, between 0 and 1.</param>
/// <param name="ThresholdMs">Of a latency: a good request takes at most so long. Null: the availability.</param>
/// <param name="Owner">Who is alerted.</param>
public sealed record SloObjective(string Endpoint, SliIndicator Indicator, double Target, int? ThresholdMs, SloOwner Owner)
{
    /// <summary>For instance <c>/api/chat first_token</c>.</summary>
    public string Name => $"{Endpoint} {Indicator.Name()}";

    /// <summary>The share of requests that may be bad: the error budget.</summary>
    public double Budget => Math.Round(1 - Target, 9);

    /// <summary>Counts the requests that the objective judges, and the bad ones among them.</summary>
    public (long Total, long Bad) Count(SliCounts counts) => Indicator switch
    {
        // 429 is deliberate shedding and has a budget of its own.
        SliIndicator.Availability => (counts.Served + counts.Failed, counts.Failed),
        SliIndicator.FirstToken => Slow(counts.FirstToken),
        SliIndicator.Completion or SliIndicator.Acknowledgement => Slow(counts.Completion),
        _ => throw new InvalidOperationException($"{Indicator} is not counted."),
    };

    private (long Total, long Bad) Slow(ReadOnlySpan<long> histogram) =>
        (histogram[^1], histogram[^1] - LatencyBuckets.Within(histogram, ThresholdMs!.Value));
}
