using Sendcat.Reliability.Circuits;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// The circuit breaker and the bulkhead of a route. The service uses <see cref="RouteGuards"/>; tests of the router use an implementation
/// without Redis.
/// </summary>
internal interface IRouteGuards
{
    /// <summary>Acquires a slot in the bulkhead of the route. Disposing the result releases the slot.</summary>
    /// <param name="holder">Id of the stream that holds the slot.</param>
    /// <exception cref="ProviderException">The bulkhead is full.</exception>
    /// <returns>Null: the call needs no slot.</returns>
    ValueTask<IAsyncDisposable?> AcquireSlotAsync(ProviderRoute route, string holder, CancellationToken cancellationToken);

    /// <summary>Acquires the circuit's permission for one attempt.</summary>
    /// <exception cref="ProviderException">The circuit is open.</exception>
    /// <returns>Null: the call does not count.</returns>
    ValueTask<CircuitPermit?> EnterAsync(ProviderRoute route, CancellationToken cancellationToken);

    /// <summary>Records that a call leaves the route for the next one.</summary>
    /// <param name="code">The code of the error that made it leave.</param>
    void FailedOver(ProviderRoute route, string code);
}
