using System.Diagnostics.Metrics;

namespace Sendcat.Reliability;

/// <summary>
/// The meter <c>Sendcat.Reliability</c>. Tag values come from small closed sets: outcomes, reasons, buckets, providers. They never contain
/// a principal or an address.
/// </summary>
internal sealed class ReliabilityMetrics
{
    public const string MeterName = "Sendcat.Reliability";

    private readonly Meter _meter;
    private readonly Counter<long> _admission;
    private readonly Counter<long> _rateLimit;
    private readonly Counter<long> _redisUnavailable;
    private readonly Counter<long> _circuits;
    private readonly Counter<long> _refusedByCircuit;
    private readonly Counter<long> _suspensions;
    private readonly Counter<long> _saturated;
    private readonly Counter<long> _events;
    private readonly Counter<long> _leases;
    private readonly Counter<long> _queueAlerts;
    private readonly Histogram<double> _decision;

    public ReliabilityMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _admission = _meter.CreateCounter<long>(
            "sendcat.admission.decisions", description: "Admission decisions on turns, by mode, outcome and reason");
        _rateLimit = _meter.CreateCounter<long>(
            "sendcat.ratelimit.decisions", description: "Calls that were counted against a window, by bucket and outcome");
        _redisUnavailable = _meter.CreateCounter<long>(
            "sendcat.redis.unavailable", description: "Requests to Redis without a response in time, by cause");
        _circuits = _meter.CreateCounter<long>(
            "sendcat.circuit.transitions", description: "Circuits that opened or closed here, by provider and state");
        _refusedByCircuit = _meter.CreateCounter<long>(
            "sendcat.circuit.refusals", description: "Calls not made because a circuit is open, by provider");
        _suspensions = _meter.CreateCounter<long>(
            "sendcat.circuit.suspensions",
            description: "Providers suspended because they reject our account, by provider and reason: key, quota");
        _saturated = _meter.CreateCounter<long>(
            "sendcat.bulkhead.saturated", description: "Calls not made because a bulkhead is full, by provider");
        _events = _meter.CreateCounter<long>(
            "sendcat.ratelimit.events",
            description: "Limit events by fate: recorded, repeated (same five seconds) or dropped (no capacity)");
        _leases = _meter.CreateCounter<long>(
            "sendcat.leases.changes", description: "Leases acquired again, lost, or released for a dead replica");
        _queueAlerts = _meter.CreateCounter<long>(
            "sendcat.tool_queue.alerts", description: "Alerts about the tool queue, by kind and change: raised, cleared");
        _decision = _meter.CreateHistogram(
            "sendcat.claims.duration",
            unit: "s",
            description: "Duration of a decision, by outcome",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1],
            });
    }

    public void Held(Func<int> leases) =>
        _meter.CreateObservableGauge("sendcat.leases.held", leases, description: "Leases that this process holds");

    public void Admission(string mode, string outcome, string reason) =>
        _admission.Add(1, new("mode", mode), new("outcome", outcome), new("reason", reason));

    public void RateLimit(string bucket, string outcome) => _rateLimit.Add(1, new("bucket", bucket), new("outcome", outcome));

    public void RedisUnavailable(string cause) => _redisUnavailable.Add(1, new KeyValuePair<string, object?>("cause", cause));

    public void CircuitBecame(string provider, string state) => _circuits.Add(1, new("provider", provider), new("state", state));

    public void CircuitRefused(string provider) => _refusedByCircuit.Add(1, new KeyValuePair<string, object?>("provider", provider));

    public void ProviderSuspended(string provider, string reason) => _suspensions.Add(1, new("provider", provider), new("reason", reason));

    public void Saturated(string provider) => _saturated.Add(1, new KeyValuePair<string, object?>("provider", provider));

    public void Event(string fate, int count = 1) => _events.Add(count, new KeyValuePair<string, object?>("fate", fate));

    public void Leases(string change, int count) => _leases.Add(count, new KeyValuePair<string, object?>("change", change));

    public void QueueAlert(string kind, string change) => _queueAlerts.Add(1, new("kind", kind), new("change", change));

    public void Decided(TimeSpan took, string outcome) =>
        _decision.Record(took.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
}
