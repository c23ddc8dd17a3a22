using System.Diagnostics;
using System.Net;

namespace Sendcat.Reliability.Outbound;

/// <summary>HTTP connections to third-party services.</summary>
public static class ThirdParty
{
    /// <summary>
    /// A new handler. Calls have spans, but no <c>traceparent</c>, <c>tracestate</c> or <c>baggage</c> header is sent to third parties.
    /// Compressed responses are decompressed. Redirects are not followed, because they could send API keys to other hosts.
    /// </summary>
    public static SocketsHttpHandler Handler() => new()
    {
        ActivityHeadersPropagator = NoPropagation,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,
    };

    /// <summary>A propagator that adds no trace headers to a request.</summary>
    public static DistributedContextPropagator NoPropagation { get; } = DistributedContextPropagator.CreateNoOutputPropagator();
}
