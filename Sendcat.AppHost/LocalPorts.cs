using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sendcat.AppHost;

/// <summary>
/// The ports of a local run: fixed offsets from one base port, all inside a block of 200, so that several checkouts can run at the same
/// time.
/// All ports are below 32768, because Linux assigns higher ports to outgoing connections. Replicas have further ports, which DCP chooses.
/// </summary>
internal sealed record LocalPorts(int Base)
{
    public const int Block = 200;
    public const int LowestBase = 1024;
    public const int HighestBase = 32_767 - Block;

    /// <summary>Candidates when no base is configured: a run takes the first whose ports are free. 5000, 5200, … 8000.</summary>
    public static readonly IReadOnlyList<int> DefaultBases = [.. Enumerable.Range(0, 16).Select(n => 5000 + (n * Block))];

    /// <summary>
    /// Ports above 1023 on which browsers refuse to open a page: Fetch standard, "port blocking"
    /// (https://fetch.spec.whatwg.org/#port-blocking).
    /// </summary>
    private static readonly int[] BlockedByBrowsers =
    [
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    ];

    public int Dashboard => Base + 10;

    public int DashboardOtlp => Base + 11;

    public int DashboardResources => Base + 12;

    public int Redis => Base + 20;

    public int Postgres => Base + 21;

    public int RabbitMq => Base + 22;

    /// <summary>Port of Erlang's distribution protocol.</summary>
    public int RabbitMqDistribution => Base + 23;

    /// <summary>
    /// Port of an Erlang port mapper (epmd) of this run only: the run neither uses the system's port mapper nor leaves one behind.
    /// </summary>
    public int RabbitMqPortMapper => Base + 24;

    public int Upstreams => Base + 70;

    public int UpstreamsHttp2 => Base + 71;

    public int Api => Base + 80;

    /// <summary>The address of a route of the API.</summary>
    public string UrlOfApi(string path) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Api}{path}");

    public int Monitor => Base + 90;

    /// <summary>Health endpoints of the workers.</summary>
    public int Worker => Base + 110;

    /// <summary>Every port with its use, for messages.</summary>
    public IReadOnlyList<(string Use, int Port)> All =>
    [
        ("dashboard (OTLP)", DashboardOtlp), ("dashboard (resources)", DashboardResources),
        ("redis", Redis), ("postgres", Postgres), ("rabbitmq", RabbitMq), ("rabbitmq (distribution)", RabbitMqDistribution),
        ("rabbitmq (port mapper)", RabbitMqPortMapper),
        .. Pages,
        ("upstreams (HTTP/2)", UpstreamsHttp2),
    ];

    /// <summary>Ports that a person opens in a browser.</summary>
    public IReadOnlyList<(string Use, int Port)> Pages =>
        [("dashboard", Dashboard), ("upstreams", Upstreams), ("api", Api), ("monitor", Monitor), ("tool-worker", Worker)];

    /// <summary>Why this base is invalid on every machine; null when it is valid.</summary>
    public string? Problem() =>
        Base is < LowestBase or > HighestBase ? $"SENDCAT_PORT_BASE must be {LowestBase} to {HighestBase}, not {Base}."
        : Pages.FirstOrDefault(page => BlockedByBrowsers.Contains(page.Port)) is { Use: { } use, Port: var port }
            ? $"With SENDCAT_PORT_BASE={Base} the page of {use} would be on port {port}, which browsers refuse to open; choose "
                + "another base."
        : null;

    /// <summary>
    /// Ports on which a process listens now. The test is a connection attempt and not a bind, because an outgoing connection can occupy a
    /// port for a moment; such a port is free soon after.
    /// </summary>
    public IReadOnlyList<(string Use, int Port)> Taken() => [.. All.DistinctBy(port => port.Port).Where(port => IsTaken(port.Port))];

    private static bool IsTaken(int port)
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
