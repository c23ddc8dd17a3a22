using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// Finds TCP ports of 127.0.0.1 that are not in use. The ports are below the ephemeral range, from which the kernel chooses the local port
/// of an outgoing connection. In that range, a client that reconnects to a stopped server can get the server's port, connect to itself and
/// block the restart of the server.
/// </summary>
public static class FreePort
{
    private const int FirstPort = 20000;
    private const int LastPort = 32700;

    private static readonly ConcurrentDictionary<int, bool> Returned = new();

    /// <summary>A free port, which this process has not returned before.</summary>
    /// <exception cref="InvalidOperationException">No free port was found in 1000 attempts.</exception>
    public static int Next()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var port = Random.Shared.Next(FirstPort, LastPort);
            if (Returned.TryAdd(port, true) && IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"No free port between {FirstPort} and {LastPort} on 127.0.0.1.");
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
