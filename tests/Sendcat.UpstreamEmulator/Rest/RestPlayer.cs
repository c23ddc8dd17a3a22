using System.IO.Compression;
using System.Text;
using Sendcat.UpstreamEmulator.Faults;
using Sendcat.UpstreamEmulator.Pacing;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>
/// Writes one response to one client with the requested delays and faults, and detects when the client closes the connection.
/// </summary>
internal sealed class RestPlayer
{
    private const int MinCompressedBytes = 32 * 1024;

    private readonly HttpContext _http;
    private readonly RestDirections _directions;
    private readonly TimerWheel _wheel;
    private readonly EmulatorStats.Call _call;
    private readonly WheelTimer _timer = new();
    private int _written;
    private volatile bool _headersSent;
    private volatile bool _disconnected;

    private RestPlayer(HttpContext http, RestDirections directions, TimerWheel wheel, EmulatorStats.Call call) =>
        (_http, _directions, _wheel, _call) = (http, directions, wheel, call);

    public static async Task PlayAsync(
        HttpContext http, RestDirections directions, RestResponse answer, TimerWheel wheel, EmulatorStats.Call call)
    {
        var player = new RestPlayer(http, directions, wheel, call);
        await using var registration = http.RequestAborted.UnsafeRegister(static p => ((RestPlayer)p!).OnDisconnected(), player);
        try
        {
            await player.PlayAsync(answer);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            // The client closed the connection during a write; OnDisconnected has counted the abort.
        }
    }

    private async Task PlayAsync(RestResponse answer)
    {
        if (_directions.Hang is RestHang.BeforeHeaders)
        {
            await _wheel.WaitForCancelAsync(_timer);
            return;
        }

        await PauseAsync(_directions.HeadersMs);
        var body = Body(answer);
        _http.Response.StatusCode = answer.Status;
        if (body.Length > 0)
        {
            _http.Response.ContentType = _directions.Body is RestBody.Html ? "text/html; charset=utf-8" : "application/json; charset=utf-8";
        }

        var whole = _directions is { Hang: RestHang.None, Cut: RestCut.None };
        await WriteAsync(whole ? body : body.AsMemory(0, body.Length / 2));
        if (_disconnected)
        {
            return;
        }

        if (_directions.Hang is RestHang.Mid)
        {
            await _wheel.WaitForCancelAsync(_timer);
        }
        else if (_directions.Cut is not RestCut.None)
        {
            _call.Broken(); // before the cut, so that the cut is not counted as an abort by the client
            ConnectionCut.Cut(_http, fin: _directions.Cut is RestCut.Fin);
        }
        else if (answer.Status >= 400)
        {
            _call.Refused();
        }
        else
        {
            _call.Completed();
        }
    }

    private byte[] Body(RestResponse answer)
    {
        var json = answer.Json;
        var text = _directions.Body switch
        {
            RestBody.Html =>
                $"<!DOCTYPE html><html><head><title>{answer.Status}</title></head>"
                + $"<body><center><h1>{answer.Status}</h1></center><hr><center>edge</center></body></html>",
            RestBody.Empty => "",
            RestBody.BadJson => json[..(json.Length / 2)],
            RestBody.OtherJson => "[\"not what was asked for\"]",
            _ => json,
        };
        if (_directions.GiantBytes > text.Length)
        {
            text = text.PadRight(_directions.GiantBytes); // spaces after the value do not change the JSON
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length >= MinCompressedBytes
            && _http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase)
                ? Compress(bytes)
                : bytes;
    }

    private byte[] Compress(byte[] bytes)
    {
        _http.Response.Headers.ContentEncoding = "gzip";
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return compressed.ToArray();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        for (var piece = 0; piece < _directions.Pieces && !_disconnected; piece++)
        {
            var (from, to) = (At(piece), At(piece + 1));
            if (piece > 0)
            {
                await PauseAsync(_directions.EveryMs);
            }

            _headersSent = true;
            if (from == to)
            {
                continue; // a 204 response does not allow a write, not even an empty one
            }

            await _http.Response.Body.WriteAsync(bytes[from..to], _http.RequestAborted);
            await _http.Response.Body.FlushAsync(_http.RequestAborted);
            _written = to;
        }

        int At(int piece) => (int)((long)bytes.Length * piece / _directions.Pieces);
    }

    private async ValueTask PauseAsync(int milliseconds)
    {
        if (milliseconds > 0 && !_disconnected)
        {
            await _wheel.WaitUntilAsync(_timer, _wheel.NowMs + milliseconds);
        }

        _http.RequestAborted.ThrowIfCancellationRequested();
    }

    private void OnDisconnected()
    {
        _disconnected = true;
        _call.AbortedByPeer(!_headersSent ? "before-headers" : _written == 0 ? "before-first" : "mid", 0);
        _wheel.Cancel(_timer);
    }
}
