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
            var candidate = Random.Shared.Next(50, 85) * 160;
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
