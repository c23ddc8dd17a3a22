using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Fuzz;

/// <summary>HTTP/1.1 as bytes on a socket: what an HTTP library would refuse to send, and cheaper than one. Reads an answer exactly to its end, so that the connection serves the next request.</summary>
internal sealed class RawConnection : IDisposable
{
    /// <summary>No request may take longer.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>A stream is read for so long, and left.</summary>
    private static readonly TimeSpan StreamTime = TimeSpan.FromMilliseconds(500);

    private const int LargestAnswer = 8 * 1024 * 1024;

    private readonly Socket socket;
    private byte[] buffer = new byte[16 * 1024];
    private int filled;

    private RawConnection(Socket socket) => this.socket = socket;

    public static async Task<RawConnection> OpenAsync(IPAddress source, IPEndPoint target, CancellationToken cancellationToken) => new(await Source.ConnectAsync(source, target, cancellationToken));

    public async Task<RawAnswer> SendAsync(FuzzRequest request, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        filled = 0;
        try
        {
            for (var sent = 0; sent < request.Bytes.Length;)
            {
                sent += await socket.SendAsync(request.Bytes.AsMemory(sent), timeout.Token);
            }

            if (request.ClosesAfter)
            {
                socket.Shutdown(SocketShutdown.Send);
                return await ToEndAsync(timeout.Token);
            }

            return await OneAsync(request.IsHead, timeout);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Answer(Status(0), AnswerEnd.Hung);
        }
        catch (SocketException)
        {
            // A request that is refused before it was read may meet a closed door.
            return Answer(Status(0), AnswerEnd.Closed);
        }
    }

    public void Dispose() => socket.Dispose();

    private async Task<RawAnswer> OneAsync(bool isHead, CancellationTokenSource timeout)
    {
        var begin = 0;
        while (true)
        {
            int end;
            while ((end = buffer.AsSpan(begin, filled - begin).IndexOf("\r\n\r\n"u8)) < 0)
            {
                if (!await FillAsync(timeout.Token))
                {
                    return Answer(Status(begin), AnswerEnd.Closed);
                }
            }

            var body = begin + end + 4;
            var status = Status(begin);
            if (status is >= 100 and < 200)
            {
                // 100 Continue: the answer proper comes behind it.
                begin = body;
                continue;
            }

            return await BodyAsync(status, begin, body, isHead, timeout);
        }
    }

    private async Task<RawAnswer> BodyAsync(int status, int begin, int body, bool isHead, CancellationTokenSource timeout)
    {
        var head = buffer.AsSpan(begin, body - begin);
        var keeps = head.IndexOf("Connection: close"u8) < 0;
        if (isHead || status is 204 or 304)
        {
            return Answer(status, AnswerEnd.Whole, keeps && filled == body);
        }

        if (head.IndexOf("text/event-stream"u8) >= 0)
        {
            return await StreamAsync(status, timeout);
        }

        if (head.IndexOf("Transfer-Encoding: chunked"u8) >= 0)
        {
            return await ChunksAsync(status, body, keeps, timeout.Token);
        }

        var length = Length(head);
        if (length < 0)
        {
            return (await ToEndAsync(timeout.Token)) with { Status = status };
        }

        while (filled < body + length)
        {
            if (!await FillAsync(timeout.Token))
            {
                return Answer(status, AnswerEnd.Closed);
            }
        }

        return Answer(status, AnswerEnd.Whole, keeps && filled == body + length);
    }

    private async Task<RawAnswer> ChunksAsync(int status, int at, bool keeps, CancellationToken cancellationToken)
    {
        while (true)
        {
            int line;
            while ((line = buffer.AsSpan(at, filled - at).IndexOf("\r\n"u8)) < 0)
            {
                if (!await FillAsync(cancellationToken))
                {
                    return Answer(status, AnswerEnd.Closed);
                }
            }

            if (!Utf8Parser.TryParse(buffer.AsSpan(at, line), out int size, out _, 'x'))
            {
                return Answer(status, AnswerEnd.Closed);
            }

            at += line + 2 + size + 2;
            while (filled < at)
            {
                if (!await FillAsync(cancellationToken))
                {
                    return Answer(status, AnswerEnd.Closed);
                }
            }

            if (size == 0)
            {
                return Answer(status, AnswerEnd.Whole, keeps && filled == at);
            }
        }
    }

    private async Task<RawAnswer> StreamAsync(int status, CancellationTokenSource timeout)
    {
        timeout.CancelAfter(StreamTime);
        try
        {
            return (await ToEndAsync(timeout.Token)) with { Status = status };
        }
        catch (OperationCanceledException)
        {
            return Answer(status, AnswerEnd.Left);
        }
    }

    private async Task<RawAnswer> ToEndAsync(CancellationToken cancellationToken)
    {
        while (await FillAsync(cancellationToken))
        {
        }

        return Answer(Status(0), AnswerEnd.Closed);
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (filled == buffer.Length)
        {
            if (buffer.Length >= LargestAnswer)
            {
                return false;
            }

            Array.Resize(ref buffer, buffer.Length * 2);
        }

        var read = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
        filled += read;
        return read > 0;
    }

    /// <summary>Of <c>HTTP/1.1 200 …</c>; 0 for anything else.</summary>
    private int Status(int begin) =>
        filled - begin >= 12 && buffer.AsSpan(begin, 7).SequenceEqual("HTTP/1."u8) && Utf8Parser.TryParse(buffer.AsSpan(begin + 9, 3), out int status, out _) ? status : 0;

    private static int Length(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        var at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : -1;
    }

    private RawAnswer Answer(int status, AnswerEnd end, bool keepsAlive = false) => new(status, end, keepsAlive, buffer.AsMemory(0, filled));
}
