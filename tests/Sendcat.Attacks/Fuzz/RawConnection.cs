using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Fuzz;

/// <summary>
/// Sends HTTP/1.1 as bytes on a socket, because an HTTP library refuses to send invalid requests and needs more CPU. It reads a response
/// exactly to its end, so that the connection can serve the next request.
/// </summary>
internal sealed class RawConnection : IDisposable
{
    /// <summary>The maximum time of a request.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>The time for which an event stream is read.</summary>
    private static readonly TimeSpan StreamTime = TimeSpan.FromMilliseconds(500);

    private const int MaxResponseBytes = 8 * 1024 * 1024;

    private readonly Socket _socket;
    private byte[] _buffer = new byte[16 * 1024];
    private int _filled;

    private RawConnection(Socket socket) => _socket = socket;

    public static async Task<RawConnection> OpenAsync(IPAddress source, IPEndPoint target, CancellationToken cancellationToken) =>
        new(await SourceAddress.ConnectAsync(source, target, cancellationToken));

    /// <summary>Sends a request and reads its response.</summary>
    public async Task<RawResponse> SendAsync(FuzzRequest request, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        _filled = 0;
        try
        {
            for (var sent = 0; sent < request.Bytes.Length;)
            {
                sent += await _socket.SendAsync(request.Bytes.AsMemory(sent), timeout.Token);
            }

            if (request.ShutsDownSend)
            {
                _socket.Shutdown(SocketShutdown.Send);
                return await ReadToCloseAsync(timeout.Token);
            }

            return await ReadResponseAsync(request.IsHead, timeout);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Response(Status(0), ResponseEnd.TimedOut);
        }
        catch (SocketException)
        {
            // The server may refuse a request and close the connection before it has read all bytes.
            return Response(Status(0), ResponseEnd.Closed);
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<RawResponse> ReadResponseAsync(bool isHead, CancellationTokenSource timeout)
    {
        var begin = 0;
        while (true)
        {
            int end;
            while ((end = _buffer.AsSpan(begin, _filled - begin).IndexOf("\r\n\r\n"u8)) < 0)
            {
                if (!await ReceiveAsync(timeout.Token))
                {
                    return Response(Status(begin), ResponseEnd.Closed);
                }
            }

            var body = begin + end + 4;
            var status = Status(begin);
            if (status is >= 100 and < 200)
            {
                // 100 Continue: the final response follows.
                begin = body;
                continue;
            }

            return await ReadBodyAsync(status, begin, body, isHead, timeout);
        }
    }

    private async Task<RawResponse> ReadBodyAsync(int status, int begin, int body, bool isHead, CancellationTokenSource timeout)
    {
        var head = _buffer.AsSpan(begin, body - begin);
        var keepsConnection = head.IndexOf("Connection: close"u8) < 0;
        if (isHead || status is 204 or 304)
        {
            return Response(status, ResponseEnd.Complete, keepsConnection && _filled == body);
        }

        if (head.IndexOf("text/event-stream"u8) >= 0)
        {
            return await ReadStreamAsync(status, timeout);
        }

        if (head.IndexOf("Transfer-Encoding: chunked"u8) >= 0)
        {
            return await ReadChunksAsync(status, body, keepsConnection, timeout.Token);
        }

        var length = ContentLength(head);
        if (length < 0)
        {
            return (await ReadToCloseAsync(timeout.Token)) with { Status = status };
        }

        while (_filled < body + length)
        {
            if (!await ReceiveAsync(timeout.Token))
            {
                return Response(status, ResponseEnd.Closed);
            }
        }

        return Response(status, ResponseEnd.Complete, keepsConnection && _filled == body + length);
    }

    private async Task<RawResponse> ReadChunksAsync(int status, int at, bool keepsConnection, CancellationToken cancellationToken)
    {
        while (true)
        {
            int line;
            while ((line = _buffer.AsSpan(at, _filled - at).IndexOf("\r\n"u8)) < 0)
            {
                if (!await ReceiveAsync(cancellationToken))
                {
                    return Response(status, ResponseEnd.Closed);
                }
            }

            if (!Utf8Parser.TryParse(_buffer.AsSpan(at, line), out int size, out _, 'x'))
            {
                return Response(status, ResponseEnd.Closed);
            }

            at += line + 2 + size + 2;
            while (_filled < at)
            {
                if (!await ReceiveAsync(cancellationToken))
                {
                    return Response(status, ResponseEnd.Closed);
                }
            }

            if (size == 0)
            {
                return Response(status, ResponseEnd.Complete, keepsConnection && _filled == at);
            }
        }
    }

    private async Task<RawResponse> ReadStreamAsync(int status, CancellationTokenSource timeout)
    {
        timeout.CancelAfter(StreamTime);
        try
        {
            return (await ReadToCloseAsync(timeout.Token)) with { Status = status };
        }
        catch (OperationCanceledException)
        {
            return Response(status, ResponseEnd.StoppedReading);
        }
    }

    private async Task<RawResponse> ReadToCloseAsync(CancellationToken cancellationToken)
    {
        while (await ReceiveAsync(cancellationToken))
        {
        }

        return Response(Status(0), ResponseEnd.Closed);
    }

    private async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_filled == _buffer.Length)
        {
            if (_buffer.Length >= MaxResponseBytes)
            {
                return false;
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        var read = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), cancellationToken);
        _filled += read;
        return read > 0;
    }

    /// <summary>The status in <c>HTTP/1.1 200 …</c>; 0 for other bytes.</summary>
    private int Status(int begin) =>
        _filled - begin >= 12
            && _buffer.AsSpan(begin, 7).SequenceEqual("HTTP/1."u8)
            && Utf8Parser.TryParse(_buffer.AsSpan(begin + 9, 3), out int status, out _) ? status : 0;

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        var at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : -1;
    }

    private RawResponse Response(int status, ResponseEnd end, bool keepsConnection = false) =>
        new(status, end, keepsConnection, _buffer.AsMemory(0, _filled));
}
