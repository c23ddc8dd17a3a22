using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;

namespace Sendcat.AppHost;

/// <summary>
/// The ports of a local run, all counted from one base (<c>SENDCAT_PORT_BASE</c>, 1024–14800, default 5000), so that two checkouts
/// can run side by side. Replicas also answer on a port of their own: those of the API on base + 101, base + 102, …, the workers on base + 131, base + 132, …
/// </summary>
internal sealed class LocalPorts(IDistributedApplicationBuilder builder)
{
    private readonly int _base = builder.Configuration.GetValue("SENDCAT_PORT_BASE", 5000);
    private readonly List<(string Use, int Port)> _conflicts = [];

    /// <summary>Ports that were asked for and are held by somebody else.</summary>
    public IReadOnlyList<(string Use, int Port)> Conflicts => _conflicts;

    public int Upstreams => Claim("upstreams", 70);

    public int UpstreamsHttp2 => Claim("upstreams (h2c)", 71);

    /// <summary>Only a local run fixes it; deployed, the platform has its own.</summary>
    public int? Api => builder.ExecutionContext.IsRunMode ? Claim("api", 80) : null;

    public int? Monitor => builder.ExecutionContext.IsRunMode ? Claim("monitor", 90) : null;

    /// <summary>Health of the workers.</summary>
    public int? Worker => builder.ExecutionContext.IsRunMode ? Claim("tool-worker", 110) : null;

    public int Redis => Claim("redis", 51379);

    public int Postgres => Claim("postgres", 50432);

    public int RabbitMq => Claim("rabbitmq", 50672);

    /// <summary>Erlang's own: distribution, and a port mapper of our own, so that none of the system's is used or left behind.</summary>
    public int RabbitMqDistribution => Claim("rabbitmq (distribution)", 50673);

    public int RabbitMqPortMapper => Claim("rabbitmq (port mapper)", 50674);

    public void Explain(TextWriter output)
    {
        foreach (var (use, port) in _conflicts)
        {
            output.WriteLine($"Port {port} for {use} is taken.");
        }

        output.WriteLine($"Stop what listens there, or move all ports: SENDCAT_PORT_BASE is {_base}, try SENDCAT_PORT_BASE={_base + 200} (docs/configuration.md).");
    }

    private int Claim(string use, int offset)
    {
        var port = _base + offset;
        if (SomebodyListens(port))
        {
            _conflicts.Add((use, port));
        }

        return port;
    }

    /// <summary>Asked by connecting: a port that only an outgoing connection holds for a moment can be bound when that is over.</summary>
    private static bool SomebodyListens(int port)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
