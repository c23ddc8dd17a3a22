using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Sendcat.UpstreamEmulator.Faults;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>
/// Writes one script to one client. Each frame has a due time that counts from the start of the stream, and is flushed at once.
/// Writing a frame allocates no memory.
/// </summary>
internal sealed class StreamPlayer
{
    private const int SplitPauseMs = 2;

    private readonly HttpContext http;
    private readonly StreamScript script;
    private readonly TimerWheel wheel;
    private readonly TimeProvider clock;
    private readonly EmulatorStats.Call call;
    private readonly WheelTimer timer = new();
    private readonly byte[] head;
    private readonly PipeWriter body;
    private long due;
    private long chunks;
    private volatile bool headersSent;
    private volatile bool disconnected;

    private StreamPlayer(HttpContext http, StreamScript script, string id, TimerWheel wheel, TimeProvider clock, EmulatorStats.Call call)
    {
        this.http = http;
        this.script = script;
        this.wheel = wheel;
        this.clock = clock;
        this.call = call;
        body = http.Response.BodyWriter;
        head = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""data:{{(script.NoSpace ? "" : " ")}}{"id":"{{id}}","provider":{{Json.Quote(script.Model.Provider)}},"model":{{Json.Quote(script.Model.Id)}},"object":"chat.completion.chunk","created":{{clock.GetUtcNow().ToUnixTimeSeconds()}},"""));
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Generation-Id"] = id;
        http.Response.Headers["X-Provider-Name"] = script.Model.Provider;
    }

    public static async Task PlayAsync(HttpContext http, StreamScript script, string id, TimerWheel wheel, TimeProvider clock, EmulatorStats.Call call)
    {
        var player = new StreamPlayer(http, script, id, wheel, clock, call);
        await using var registration = http.RequestAborted.UnsafeRegister(static p => ((StreamPlayer)p!).OnDisconnected(), player);
        await player.PlayAsync();
    }

    private async Task PlayAsync()
    {
        due = wheel.NowMs;
        if (script.HangsBeforeHeaders)
        {
            await wheel.WaitForCancelAsync(timer);
            return;
        }

        await PauseAsync(script.HeadersMs);
        foreach (var frame in script.Frames)
        {
            await PauseAsync(frame.DelayMs);
            if (disconnected)
            {
                return;
            }

            switch (frame.Kind)
            {
                case FrameKind.Hang:
                    await HangAsync();
                    return;
                case FrameKind.Reset or FrameKind.Fin:
                    call.Broken(); // before the cut, so that the cut is not counted as an abort by the client
                    ConnectionCut.Cut(http, fin: frame.Kind == FrameKind.Fin);
                    return;
                default:
                    await WriteAsync(frame);
                    break;
            }
        }

        End();
    }

    private void End()
    {
        if (script.EndsNormally)
        {
            call.Completed();
        }
        else
        {
            call.Broken();
        }
    }

    private async ValueTask PauseAsync(int milliseconds)
    {
        if (milliseconds == 0 || disconnected)
        {
            return;
        }

        due += milliseconds;
        if (due > wheel.NowMs)
        {
            await wheel.WaitUntilAsync(timer, due);
        }
    }

    private async Task HangAsync()
    {
        while (!disconnected)
        {
            if (script.CommentEveryMs == 0)
            {
                await wheel.WaitForCancelAsync(timer);
                return;
            }

            await PauseAsync(script.CommentEveryMs);
            await WriteAsync(new(FrameKind.Raw, 0, -1, StreamScript.Comment));
        }
    }

    private async ValueTask WriteAsync(Frame frame)
    {
        if (frame.Kind == FrameKind.Chunk)
        {
            chunks++;
            call.Chunk();
        }

        if (script.SplitBytes > 0)
        {
            await WriteInPiecesAsync(frame);
            return;
        }

        if (frame.Kind == FrameKind.Chunk)
        {
            body.Write(head);
        }

        if (frame.StampAt >= 0)
        {
            WriteStamped(frame);
        }
        else
        {
            body.Write(frame.Bytes.Span);
        }

        await FlushAsync();
    }

    /// <summary>
    /// Writes the frame in small pieces with a pause of 2 ms after each, so that the reads of the client end inside JSON tokens and inside characters.
    /// </summary>
    private async ValueTask WriteInPiecesAsync(Frame frame)
    {
        ReadOnlyMemory<byte> all = frame.Kind == FrameKind.Chunk ? (byte[])[.. head, .. frame.Bytes.Span] : frame.Bytes;
        for (var at = 0; at < all.Length && !disconnected; at += script.SplitBytes)
        {
            body.Write(all.Span[at..Math.Min(at + script.SplitBytes, all.Length)]);
            await FlushAsync();
            await PauseAsync(SplitPauseMs);
        }
    }

    private void WriteStamped(Frame frame)
    {
        var at = frame.StampAt;
        Span<byte> digits = stackalloc byte[16];
        Utf8Formatter.TryFormat((clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, digits, out _);
        body.Write(frame.Bytes.Span[..at]);
        body.Write(digits);
        body.Write(frame.Bytes.Span[(at + digits.Length)..]);
    }

    private async ValueTask FlushAsync()
    {
        headersSent = true;
        await body.FlushAsync();
    }

    private void OnDisconnected()
    {
        disconnected = true;
        call.AbortedByPeer(!headersSent ? "before-headers" : chunks == 0 ? "before-first" : "mid", chunks);
        wheel.Cancel(timer);
    }
}
