using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>The circuits and lanes that all replicas share.</summary>
internal sealed class RouteGuards(Circuits circuits, Bulkheads bulkheads) : IRouteGuards
{
    public async ValueTask<IAsyncDisposable> HoldAsync(ProviderRoute route, string holder, CancellationToken cancellationToken)
    {
        var entry = await bulkheads.AcquireAsync(route.Guard, holder, cancellationToken);
        return entry.Lease ?? throw new ProviderFaults(route.Id).Refused(entry.RetryAfter);
    }

    public async ValueTask<CircuitPermit> EnterAsync(ProviderRoute route, CancellationToken cancellationToken)
    {
        var entry = await circuits.EnterAsync(route.Guard, cancellationToken);
        return entry.Permit ?? throw new ProviderFaults(route.Id).Refused(entry.RetryAfter);
    }
}
