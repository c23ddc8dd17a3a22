using System.Net;
using System.Net.Sockets;

namespace Sendcat.Attacks.Callers;

/// <summary>Addresses to come from. All of 127.0.0.0/8 is this machine, and the API counts each of its addresses for itself, as it does those of the world.</summary>
internal static class Source
{
    private const int Hosts = 250;

    /// <summary>The second byte of honest users' addresses; attack N comes from 127.N.</summary>
    public const byte Honest = 200;

    public static IPAddress Of(byte net, int host) => new([127, net, (byte)(host / Hosts % Hosts), (byte)(1 + (host % Hosts))]);

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
