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

    private readonly HttpContext _http;
    private readonly StreamScript _script;
    private readonly TimerWheel _wheel;
    private readonly TimeProvider _clock;
    private readonly EmulatorStats.Call _call;
    private readonly WheelTimer _timer = new();
    private readonly byte[] _head;
    private readonly PipeWriter _body;
    private long _due;
    private long _chunks;
    private volatile bool _headersSent;
    private volatile bool _disconnected;

    private StreamPlayer(HttpContext http, StreamScript script, string id, TimerWheel wheel, TimeProvider clock, EmulatorStats.Call call)
    {
        _http = http;
        _script = script;
        _wheel = wheel;
        _clock = clock;
        _call = call;
        _body = http.Response.BodyWriter;
        _head = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""data:{{(script.NoSpace ? "" : " ")}}{"id":"{{id}}","provider":{{Json.Quote(script.Model.Provider)}},"model":{{Json.Quote(script.Model.Id)}},"object":"chat.completion.chunk","created":{{clock.GetUtcNow().ToUnixTimeSeconds()}},"""));
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Generation-Id"] = id;
        http.Response.Headers["X-Provider-Name"] = script.Model.Provider;
    }

    public static async Task PlayAsync(
        HttpContext http, StreamScript script, string id, TimerWheel wheel, TimeProvider clock, EmulatorStats.Call call)
    {
        var player = new StreamPlayer(http, script, id, wheel, clock, call);
        await using var registration = http.RequestAborted.UnsafeRegister(static p => ((StreamPlayer)p!).OnDisconnected(), player);
        await player.PlayAsync();
    }

    private async Task PlayAsync()
    {
        _due = _wheel.NowMs;
        if (_script.HangsBeforeHeaders)
        {
            await _wheel.WaitForCancelAsync(_timer);
            return;
        }

        await PauseAsync(_script.HeadersMs);
        foreach (var frame in _script.Frames)
        {
            await PauseAsync(frame.DelayMs);
            if (_disconnected)
            {
                return;
            }

            switch (frame.Kind)
            {
                case FrameKind.Hang:
                    await HangAsync();
                    return;
                case FrameKind.Reset or FrameKind.Fin:
                    _call.Broken(); // before the cut, so that the cut is not counted as an abort by the client
                    ConnectionCut.Cut(_http, fin: frame.Kind == FrameKind.Fin);
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
        if (_script.EndsNormally)
        {
            _call.Completed();
        }
        else
        {
            _call.Broken();
        }
    }

    private async ValueTask PauseAsync(int milliseconds)
    {
        if (milliseconds == 0 || _disconnected)
        {
            return;
        }

        _due += milliseconds;
        if (_due > _wheel.NowMs)
        {
            await _wheel.WaitUntilAsync(_timer, _due);
        }
    }

    private async Task HangAsync()
    {
        while (!_disconnected)
        {
            if (_script.CommentEveryMs == 0)
            {
                await _wheel.WaitForCancelAsync(_timer);
                return;
            }

            await PauseAsync(_script.CommentEveryMs);
            await WriteAsync(new(FrameKind.Raw, 0, -1, StreamScript.Comment));
        }
    }

    private async ValueTask WriteAsync(Frame frame)
    {
        if (frame.Kind == FrameKind.Chunk)
        {
            _chunks++;
            _call.Chunk();
        }

        if (_script.SplitBytes > 0)
        {
            await WriteInPiecesAsync(frame);
            return;
        }

        if (frame.Kind == FrameKind.Chunk)
        {
            _body.Write(_head);
        }

        if (frame.StampAt >= 0)
        {
            WriteStamped(frame);
        }
        else
        {
            _body.Write(frame.Bytes.Span);
        }

        await FlushAsync();
    }

    /// <summary>
    /// Writes the frame in small pieces with a pause of 2 ms after each, so that the reads of the client end inside JSON tokens and inside
    /// characters.
    /// </summary>
    private async ValueTask WriteInPiecesAsync(Frame frame)
    {
        ReadOnlyMemory<byte> all = frame.Kind == FrameKind.Chunk ? (byte[])[.. _head, .. frame.Bytes.Span] : frame.Bytes;
        for (var at = 0; at < all.Length && !_disconnected; at += _script.SplitBytes)
        {
            _body.Write(all.Span[at..Math.Min(at + _script.SplitBytes, all.Length)]);
            await FlushAsync();
            await PauseAsync(SplitPauseMs);
        }
    }

    private void WriteStamped(Frame frame)
    {
        var at = frame.StampAt;
        Span<byte> digits = stackalloc byte[16];
        Utf8Formatter.TryFormat((_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, digits, out _);
        _body.Write(frame.Bytes.Span[..at]);
        _body.Write(digits);
        _body.Write(frame.Bytes.Span[(at + digits.Length)..]);
    }

    private async ValueTask FlushAsync()
    {
        _headersSent = true;
        await _body.FlushAsync();
    }

    private void OnDisconnected()
    {
        _disconnected = true;
        _call.AbortedByPeer(!_headersSent ? "before-headers" : _chunks == 0 ? "before-first" : "mid", _chunks);
        _wheel.Cancel(_timer);
    }
}
