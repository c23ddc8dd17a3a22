using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sendcat.ApiService.Http;

internal static class ServerLimits
{
    public static void UseServerLimits(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(RejectedRequests.Use);
            kestrel.Limits.MaxRequestBodySize = 2 * 1024 * 1024;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 20_000;

            // The most bytes of a response that wait for a slow reader, and the slowest rate at which a client may read.
            kestrel.Limits.MaxResponseBufferSize = 64 * 1024;
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1_024, gracePeriod: TimeSpan.FromSeconds(15));
        });

        // Continuations of socket operations are short and never block. Switching to another thread for each chunk would cost more.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
    }
}
