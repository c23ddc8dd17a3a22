using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Sendcat.UpstreamEmulator.Faults;

/// <summary>Ends a response in the middle, as networks do.</summary>
internal static class ConnectionCut
{
    /// <param name="fin">An end inside the body; else a reset. On HTTP/2 both are RST_STREAM, and the connection's other streams go on.</param>
    public static void Cut(HttpContext http, bool fin)
    {
        if (http.Features.Get<IHttpResetFeature>() is { } stream)
        {
            stream.Reset(errorCode: 2); // INTERNAL_ERROR
            return;
        }

        var socket = http.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (fin)
        {
            socket?.Shutdown(SocketShutdown.Send);
        }
        else if (socket is not null)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0); // closing sends RST
        }

        http.Abort();
    }
}
