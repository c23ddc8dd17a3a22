using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Events;

namespace Sendcat.ApiService.Providers;

/// <summary>The circuit breakers and bulkheads that all replicas share.</summary>
internal sealed class RouteGuards(Circuits circuits, Bulkheads bulkheads, RateLimitEvents events) : IRouteGuards
{
    /// <summary>Bucket of the event that is recorded for a failover.</summary>
    private const string FailoverBucket = "provider_failover";

    public async ValueTask<IAsyncDisposable?> AcquireSlotAsync(ProviderRoute route, string holder, CancellationToken cancellationToken)
    {
        var entry = await bulkheads.AcquireAsync(route.Guard, holder, cancellationToken);
        return entry.Lease ?? throw new ProviderFaults(route.Id).Refused(entry.RetryAfter, RouteRefusal.BulkheadFull);
    }

    public async ValueTask<CircuitPermit?> EnterAsync(ProviderRoute route, CancellationToken cancellationToken)
    {
        // A model that the caller chose must not use the half-open circuit's single probe and must not close the circuit.
        var entry = route.IsConfigured
            ? await circuits.EnterAsync(route.Guard, cancellationToken)
            : circuits.EnterWithoutProbe(route.Guard);
        return entry.Permit ?? throw new ProviderFaults(route.Id).Refused(
            entry.RetryAfter, entry.Suspended is null or Suspension.Operator ? RouteRefusal.CircuitOpen : RouteRefusal.Suspended);
    }

    public void FailedOver(ProviderRoute route, string code) =>
        events.Record(new(RateLimitSource.ChatHttp, FailoverBucket, $"{FailoverBucket}:{route.Guard}", RateLimitOutcome.Blocked, code));
}
