using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>The connections to the provider, tuned for many long, slow streams. Built here and not by the client factory, so that no default resilience handler can come between.</summary>
internal sealed class OpenRouterTransport(HttpMessageHandler handler) : IDisposable
{
    public OpenRouterTransport()
        : this(Sockets())
    {
    }

    public HttpMessageHandler Handler { get; } = handler;

    public void Dispose() => Handler.Dispose();

    private static SocketsHttpHandler Sockets() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        MaxConnectionsPerServer = int.MaxValue,
        EnableMultipleHttp2Connections = true,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
        ConnectTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingDelay = TimeSpan.FromSeconds(15),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        InitialHttp2StreamWindowSize = 65_535,

        // A stream that is closed before its end is an abort: tell the provider now, instead of reading on for the connection's sake.
        MaxResponseDrainSize = 0,
        ResponseDrainTimeout = TimeSpan.Zero,

        // Each attempt has a span below the one of the model call, but trace ids are nobody else's business.
        ActivityHeadersPropagator = ThirdParty.Untold,
    };
}
