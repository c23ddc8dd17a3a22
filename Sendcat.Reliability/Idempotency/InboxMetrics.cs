using System.Diagnostics.Metrics;

namespace Sendcat.Reliability.Idempotency;

/// <summary>Counts the keys of the inbox, in the meter <c>Sendcat.Reliability</c>.</summary>
internal sealed class InboxMetrics
{
    private readonly Counter<long> _keys;

    public InboxMetrics(IMeterFactory meters) => _keys = meters.Create(ReliabilityMetrics.MeterName).CreateCounter<long>(
        "sendcat.inbox.keys",
        description: "Keys of webhook deliveries by scope and outcome: claimed, retried (its job had failed), replayed");

    public void Received(InboxScope scope, InboxOutcome outcome) => _keys.Add(1, new("scope", scope.Name), new("outcome", outcome switch
    {
        InboxOutcome.Claimed => "claimed",
        InboxOutcome.Retried => "retried",
        InboxOutcome.Replayed => "replayed",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    }));
}
