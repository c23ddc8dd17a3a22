using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Sendcat.UpstreamEmulator.Faults;

/// <summary>Cuts the connection in the middle of a response, as a network failure does.</summary>
internal static class ConnectionCut
{
    /// <param name="http">The request whose response is cut.</param>
    /// <param name="fin">
    /// True: the connection is closed with FIN inside the body. False: it is reset (RST).
    /// On HTTP/2 both are RST_STREAM, and the other streams of the connection continue.
    /// </param>
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
