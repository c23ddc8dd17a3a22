using System.Net.Sockets;

namespace Sendcat.EndToEndTests;

/// <summary>A base for <c>SENDCAT_PORT_BASE</c> on whose ports nobody listens now.</summary>
internal static class PortBase
{
    private static readonly int[] Offsets = [70, 71, 80, 90, 101, 110, 131, 132, 51379, 50432, 50672, 50673, 50674];

    public static int Free()
    {
        while (true)
        {
            // So high that the stores' ports are beyond those that Linux lends to outgoing connections (32768–60999): a server could find its own taken for as long as such a one lives.
            var candidate = Random.Shared.Next(67, 85) * 160;
            if (Offsets.All(offset => !SomebodyListens(candidate + offset)))
            {
                return candidate;
            }
        }
    }

    private static bool SomebodyListens(int port)
    {
        try
        {
            using var socket = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
