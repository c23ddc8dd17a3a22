using System.Diagnostics.Metrics;

namespace Sendcat.Reliability.Slo;

/// <summary>
/// The meter <c>Sendcat.Slo</c>: what the rows in Postgres count, for Prometheus. The bounds of its histograms are those of the rows.
/// </summary>
internal sealed class SliMetrics
{
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _completion;

    public SliMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Sendcat.Slo");
        var bounds = new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [.. LatencyBuckets.BoundsMs.Select(bound => bound / 1_000.0)],
        };
        _requests = meter.CreateCounter<long>("sendcat.slo.requests", "{request}", "Ended requests by endpoint and outcome.");
        _firstToken = meter.CreateHistogram("sendcat.slo.first_token", "s", "Time to the first token.", null, bounds);
        _completion = meter.CreateHistogram("sendcat.slo.completion", "s", "Time to the complete answer or acknowledgement.", null, bounds);

        // A counter that appears with its first failure has no increase in Prometheus.
        foreach (var endpoint in SloPolicy.Default.Endpoints.Keys)
        {
            foreach (var outcome in SliOutcomes.All)
            {
                Count(endpoint, outcome, 0);
            }
        }
    }

    public void Ended(string endpoint, in SliRequest request)
    {
        Count(endpoint, request.Outcome, 1);
        if (request.FirstToken is { } firstToken)
        {
            _firstToken.Record(firstToken.TotalSeconds, new KeyValuePair<string, object?>("endpoint", endpoint));
        }

        if (request.Completion is { } completion)
        {
            _completion.Record(completion.TotalSeconds, new KeyValuePair<string, object?>("endpoint", endpoint));
        }
    }

    private void Count(string endpoint, SliOutcome outcome, long count) =>
        _requests.Add(count, new("endpoint", endpoint), new("outcome", outcome.Name()));
}
