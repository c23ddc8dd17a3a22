using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// A TCP port of 127.0.0.1 that nobody listens on. Taken below the range from which the kernel picks the local side of outgoing connections:
/// there, a client that reconnects to a stopped server may be given the server's own port, connect to itself and keep the server from coming back.
/// </summary>
public static class FreePort
{
    private const int First = 20000;
    private const int Last = 32700;

    private static readonly ConcurrentDictionary<int, bool> HandedOut = new();

    public static int Next()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var port = Random.Shared.Next(First, Last);
            if (HandedOut.TryAdd(port, true) && IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"No free port between {First} and {Last} on 127.0.0.1.");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
