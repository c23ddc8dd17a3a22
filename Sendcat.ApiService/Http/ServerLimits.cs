using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sendcat.ApiService.Http;

internal static class ServerLimits
{
    /// <summary>
    /// The most bytes of a body that the server receives at all. Every endpoint that reads a body has a lower limit of its own and refuses
    /// what is longer; the rest is discarded, see <see cref="UnreadBody"/>. Beyond this limit the connection is reset.
    /// </summary>
    public const int MaxBodyBytes = 64 * 1024 * 1024;

    public static void UseServerLimits(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(RejectedRequests.Use);
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 20_000;

            // The most bytes of a response that wait for a slow reader, and the slowest rate at which a client may read.
            kestrel.Limits.MaxResponseBufferSize = 64 * 1024;
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1_024, gracePeriod: TimeSpan.FromSeconds(15));
        });

        // Continuations of socket operations are short and never block. Switching to another thread for each chunk would cost more.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
    }
}
