using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// A port that a resource answers on. <c>IsProxied</c> of a project means here: replicas share the port with <c>SO_REUSEPORT</c>
/// (<c>SENDCAT_SHARED_PORT</c>), and each also has one of its own (<see cref="OwnPort"/>).
/// </summary>
public sealed class EndpointAnnotation(
    ProtocolType protocol, string? uriScheme = null, string? transport = null, string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
    : IResourceAnnotation
{
    /// <summary>First own port of a replica, counted from the shared port: 5080 → 5101, 5102, ….</summary>
    private const int OwnPortOffset = 21;

    public ProtocolType Protocol { get; set; } = protocol;

    public string UriScheme { get; set; } = uriScheme ?? "tcp";

    public string Transport { get; set; } = transport ?? (uriScheme is "http" ? "http" : "tcp");

    public string Name { get; set; } = name ?? uriScheme ?? "tcp";

    public int? Port { get; set; } = port;

    public int? TargetPort { get; set; } = targetPort;

    public bool IsExternal { get; set; } = isExternal ?? false;

    public bool IsProxied { get; set; } = isProxied ?? true;

    internal string? EnvironmentVariable { get; init; }

    internal bool IsHttp => UriScheme is "http" or "https";

    /// <summary>The port that others are told; picked from the free ones when the model names none.</summary>
    internal int AllocatedPort => Port ??= TargetPort ?? FreePort();

    internal int OwnPort(int replica) => IsProxied ? AllocatedPort + OwnPortOffset + replica : TargetPort ?? AllocatedPort;

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
