using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Replicas on one machine without a proxy share a port: each listens on it with <c>SO_REUSEPORT</c> and the kernel spreads the connections. <c>SENDCAT_SHARED_PORT</c>
/// names it; every replica also keeps the address of its own that it was given.
/// </summary>
public static class SharedPort
{
    private const string Setting = "SENDCAT_SHARED_PORT";

    // Linux: SOL_SOCKET and SO_REUSEPORT, which .NET's own enumerations do not name.
    private const int SolSocket = 1;
    private const int SoReusePort = 15;

    /// <summary>Does nothing where no port is named.</summary>
    public static void UseSharedPort(this WebApplicationBuilder builder)
    {
        if (!OperatingSystem.IsLinux() || builder.Configuration.GetValue<int?>(Setting) is not { } port)
        {
            return;
        }

        // Listening in code replaces the configured addresses, so they are listened on in code as well.
        var own = Addresses(builder.Configuration).ToArray();
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

    private static IEnumerable<IPEndPoint> Addresses(IConfiguration configuration)
    {
        foreach (var url in Parts(configuration["urls"]))
        {
            var address = BindingAddress.Parse(url);
            yield return new IPEndPoint(IPAddress.TryParse(address.Host, out var ip) ? ip : IPAddress.Loopback, address.Port);
        }

        foreach (var port in Parts(configuration["http_ports"]))
        {
            yield return new IPEndPoint(IPAddress.Any, int.Parse(port, CultureInfo.InvariantCulture));
        }
    }

    private static string[] Parts(string? list) => (list ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
