using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Replicas on one machine without a proxy share a port: each listens on it with <c>SO_REUSEPORT</c> and the kernel spreads the connections. <c>SENDCAT_SHARED_PORT</c>
/// names it; every replica also keeps the address of its own that it was given.
/// </summary>
internal static class SharedPort
{
    private const string Setting = "SENDCAT_SHARED_PORT";

    // Linux: SOL_SOCKET and SO_REUSEPORT, which .NET's own enumerations do not name.
    private const int SolSocket = 1;
    private const int SoReusePort = 15;

    public static void UseSharedPort(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 2 * 1024 * 1024;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 20_000;
        });

        // What follows a socket operation is short and never blocks: a hop to another thread for each chunk costs more than it.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);

        if (!OperatingSystem.IsLinux() || builder.Configuration.GetValue<int?>(Setting) is not { } port)
        {
            return;
        }

        var own = Addresses(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, port);
            foreach (var address in own)
            {
                kestrel.Listen(address);
            }
        });
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint =>
        {
            if (endpoint is not IPEndPoint { Port: var wanted } || wanted != port)
            {
                return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            }

            var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetRawSocketOption(SolSocket, SoReusePort, BitConverter.GetBytes(1));
            socket.Bind(endpoint);
            return socket;
        });
    }

    /// <summary>Listening in code replaces the configured addresses, so they are listened on in code as well.</summary>
    private static IEnumerable<IPEndPoint> Addresses(IConfiguration configuration)
    {
        foreach (var url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var address = BindingAddress.Parse(url);
            yield return new IPEndPoint(IPAddress.TryParse(address.Host, out var ip) ? ip : IPAddress.Loopback, address.Port);
        }

        foreach (var port in (configuration["http_ports"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            yield return new IPEndPoint(IPAddress.Any, int.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
