using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// The connection pool for the provider, tuned for many long, slow streams. It does not use <c>IHttpClientFactory</c>, so that no default
/// resilience handler is added.
/// </summary>
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

        // A stream that is closed before its end is an abort. The connection is closed immediately instead of being drained for reuse.
        MaxResponseDrainSize = 0,
        ResponseDrainTimeout = TimeSpan.Zero,

        // Each attempt has a child span of the model call, but trace ids are not sent to third parties.
        ActivityHeadersPropagator = ThirdParty.NoPropagation,
    };
}
