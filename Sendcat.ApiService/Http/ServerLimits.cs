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
            kestrel.Limits.MaxRequestBodySize = 2 * 1024 * 1024;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 20_000;

            // What a response may have waiting for its reader, and how slowly the reader may take it.
            kestrel.Limits.MaxResponseBufferSize = 64 * 1024;
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1_024, gracePeriod: TimeSpan.FromSeconds(15));
        });

        // What follows a socket operation is short and never blocks: a hop to another thread for each chunk costs more than it.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
    }
}
