namespace Sendcat.ApiService.Providers;

/// <summary>Circuit and bulkhead of a route. Tests of the router bring their own; the service uses <c>RouteGuards</c>.</summary>
internal interface IRouteGuards
{
    /// <summary>A place among the streams of this route, given back by disposal.</summary>
    /// <exception cref="ProviderException">The bulkhead is full.</exception>
    ValueTask<IAsyncDisposable> HoldAsync(ProviderRoute route, string holder, CancellationToken cancellationToken);

    /// <summary>Leave to make one attempt; its outcome is told exactly once.</summary>
    /// <exception cref="ProviderException">The circuit is open.</exception>
    ValueTask<IRoutePermit> EnterAsync(ProviderRoute route, CancellationToken cancellationToken);
}

internal interface IRoutePermit
{
    /// <summary>The attempt is the one that decides whether an open circuit closes; others wait for its outcome.</summary>
    bool IsProbe { get; }

    ValueTask SucceededAsync();

    ValueTask FailedAsync(string code);

    /// <summary>The attempt says nothing about the route.</summary>
    ValueTask NeutralAsync();
}
