using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Sockets;

/// <summary>Holds connections of one kind, spread over a few addresses, until it is stopped.</summary>
internal sealed class SocketHolder(HoldKind kind, Uri api, byte net, int count) : IDisposable
{
    private const int Addresses = 8;

    private static readonly byte[] Headers = "GET /api/threads HTTP/1.1\r\nHost: x\r\n"u8.ToArray();
    private static readonly byte[] Unread = new byte[16 * 1024];
    private static readonly byte[] Header = "X-Slow: x\r\n"u8.ToArray();
    private static readonly byte[] Body = "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"u8.ToArray();
    private static readonly byte[] Byte = " "u8.ToArray();

    private readonly List<Socket> sockets = [];

    /// <summary>Connections that were refused or cut while they were made.</summary>
    public int Refused { get; private set; }

    public int Opened => sockets.Count;

    /// <summary>Connections that the server has closed since.</summary>
    public int Closed => sockets.Count(IsClosed);

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        for (var n = 0; n < count; n++)
        {
            try
            {
                sockets.Add(await OpenAsync(Source.Of(net, n % Addresses), cancellationToken));
            }
            catch (Exception refused) when (refused is SocketException or InvalidOperationException or HttpRequestException)
            {
                Refused++;
            }
        }
    }

    /// <summary>Does every second what the kind does.</summary>
    public async Task HoldAsync(CancellationToken stop)
    {
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var more = kind switch { HoldKind.SlowHeaders => Header, HoldKind.SlowBodies => Byte, _ => null };
        try
        {
            while (await second.WaitForNextTickAsync(stop))
            {
                foreach (var socket in more is null ? [] : sockets)
                {
                    await TrySendAsync(socket, more!, stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Long enough.
        }
    }

    public void Dispose() => sockets.ForEach(socket => socket.Dispose());

    private async Task<Socket> OpenAsync(IPAddress source, CancellationToken cancellationToken)
    {
        var first = kind switch
        {
            HoldKind.Idle => [],
            HoldKind.SlowHeaders => Headers,
            HoldKind.SlowBodies => Body,
            HoldKind.NeverReaders => await ChatAsync(source, cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        var socket = await Source.ConnectAsync(source, api.EndPoint(), cancellationToken);
        if (kind is HoldKind.NeverReaders)
        {
            socket.ReceiveBufferSize = 4_096;
        }

        await TrySendAsync(socket, first, cancellationToken);
        return socket;
    }

    private async Task<byte[]> ChatAsync(IPAddress source, CancellationToken cancellationToken)
    {
        using var guest = await new Caller(api, source).AsGuestAsync(cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.SayAsync(thread, "[[emu chunks=480 size=2000 every=5]] a long answer", cancellationToken);
        var body = JsonSerializer.Serialize(new { threadId = thread, sessionId = guest.Session });
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
    }

    private static async Task TrySendAsync(Socket socket, byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            if (bytes.Length > 0)
            {
                await socket.SendAsync(bytes, cancellationToken);
            }
        }
        catch (SocketException)
        {
            // The server has closed it, which is counted at the end.
        }
    }

    private static bool IsClosed(Socket socket)
    {
        try
        {
            // What the server wrote before it closed, for instance a 408, stands before the end.
            while (socket.Available > 0 && socket.Receive(Unread) > 0)
            {
            }

            return socket.Poll(0, SelectMode.SelectError) || (socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0);
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
