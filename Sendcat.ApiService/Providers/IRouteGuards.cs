using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>Circuit and bulkhead of a route. Tests of the router bring their own, which need no store; the service uses <see cref="RouteGuards"/>.</summary>
internal interface IRouteGuards
{
    /// <summary>A place among the streams of this route, given back by disposal.</summary>
    /// <exception cref="ProviderException">The bulkhead is full.</exception>
    ValueTask<IAsyncDisposable> HoldAsync(ProviderRoute route, string holder, CancellationToken cancellationToken);

    /// <summary>Leave to make one attempt.</summary>
    /// <exception cref="ProviderException">The circuit is open.</exception>
    ValueTask<CircuitPermit> EnterAsync(ProviderRoute route, CancellationToken cancellationToken);
}
