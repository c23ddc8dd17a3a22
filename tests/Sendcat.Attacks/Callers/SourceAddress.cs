using System.Net;
using System.Net.Sockets;

namespace Sendcat.Attacks.Callers;

/// <summary>
/// Source addresses of connections. All addresses of 127.0.0.0/8 belong to this machine. The API limits each of them separately, like
/// public addresses.
/// </summary>
internal static class SourceAddress
{
    private const int Hosts = 250;

    /// <summary>The second byte of the addresses of honest users. Attack N uses 127.N.0.0/16.</summary>
    public const byte HonestNet = 200;

    /// <param name="net">The second byte of the address.</param>
    /// <param name="host">The index of the host in the net.</param>
    public static IPAddress Of(byte net, int host) => new([127, net, (byte)(host / Hosts % Hosts), (byte)(1 + (host % Hosts))]);

    /// <summary>Connects from a source address.</summary>
    /// <exception cref="SocketException">The connection was refused.</exception>
    public static async ValueTask<Socket> ConnectAsync(IPAddress source, EndPoint target, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(target, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
