using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Sockets;

/// <summary>Holds connections of one kind from eight source addresses.</summary>
internal sealed class SocketHolder(HoldKind kind, Uri api, byte net, int count) : IDisposable
{
    private const int Addresses = 8;

    private static readonly byte[] FirstHeaders = "GET /api/threads HTTP/1.1\r\nHost: x\r\n"u8.ToArray();
    private static readonly byte[] Discarded = new byte[16 * 1024];
    private static readonly byte[] NextHeader = "X-Slow: x\r\n"u8.ToArray();
    private static readonly byte[] BodyBeginning =
        "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"u8.ToArray();
    private static readonly byte[] NextByte = " "u8.ToArray();

    private readonly List<Socket> _sockets = [];

    /// <summary>The number of connections that were refused or closed while they were opened.</summary>
    public int Refused { get; private set; }

    public int Opened => _sockets.Count;

    /// <summary>The number of connections that the server has closed since.</summary>
    public int Closed => _sockets.Count(IsClosed);

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        for (var n = 0; n < count; n++)
        {
            try
            {
                _sockets.Add(await OpenAsync(SourceAddress.Of(net, n % Addresses), cancellationToken));
            }
            catch (Exception refused) when (refused is SocketException or InvalidOperationException or HttpRequestException)
            {
                Refused++;
            }
        }
    }

    /// <summary>Sends the bytes of the kind once a second until it is cancelled.</summary>
    public async Task HoldAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var next = kind switch { HoldKind.SlowHeaders => NextHeader, HoldKind.SlowBodies => NextByte, _ => null };
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                foreach (var socket in next is null ? [] : _sockets)
                {
                    await TrySendAsync(socket, next!, stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The measurement has ended.
        }
    }

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    private async Task<Socket> OpenAsync(IPAddress source, CancellationToken cancellationToken)
    {
        var first = kind switch
        {
            HoldKind.Idle => [],
            HoldKind.SlowHeaders => FirstHeaders,
            HoldKind.SlowBodies => BodyBeginning,
            HoldKind.NeverReaders => await CreateChatRequestAsync(source, cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        var socket = await SourceAddress.ConnectAsync(source, api.EndPoint(), cancellationToken);
        if (kind is HoldKind.NeverReaders)
        {
            socket.ReceiveBufferSize = 4_096;
        }

        await TrySendAsync(socket, first, cancellationToken);
        return socket;
    }

    private async Task<byte[]> CreateChatRequestAsync(IPAddress source, CancellationToken cancellationToken)
    {
        using var guest = await new Caller(api, source).AsGuestAsync(cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.AddMessageAsync(thread, "[[emu chunks=480 size=2000 every=5]] a long answer", cancellationToken);
        var body = JsonSerializer.Serialize(new { threadId = thread, sessionId = guest.Session });
        return Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
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
            // The server has closed the connection. It is counted at the end.
        }
    }

    private static bool IsClosed(Socket socket)
    {
        try
        {
            // The server may have written a response before it closed, for instance a 408. It must be read to detect the close.
            while (socket.Available > 0 && socket.Receive(Discarded) > 0)
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
