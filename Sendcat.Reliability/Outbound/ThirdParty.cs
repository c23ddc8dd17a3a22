using System.Diagnostics;
using System.Net;

namespace Sendcat.Reliability.Outbound;

/// <summary>The connections to services of others.</summary>
public static class ThirdParty
{
    /// <summary>
    /// Calls have their spans, but trace ids and baggage are nobody else's business: no <c>traceparent</c>, <c>tracestate</c> or <c>baggage</c> goes out. Compressed answers are read, redirects are not followed: they
    /// would carry keys to other hosts.
    /// </summary>
    public static SocketsHttpHandler Handler() => new()
    {
        ActivityHeadersPropagator = Untold,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        AllowAutoRedirect = false,
        UseCookies = false,
    };

    /// <summary>Tells nothing of the trace that a call belongs to.</summary>
    public static DistributedContextPropagator Untold { get; } = DistributedContextPropagator.CreateNoOutputPropagator();
}
