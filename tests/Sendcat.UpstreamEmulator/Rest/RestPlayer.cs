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

    private readonly HttpContext http;
    private readonly RestDirections directions;
    private readonly TimerWheel wheel;
    private readonly EmulatorStats.Call call;
    private readonly WheelTimer timer = new();
    private int written;
    private volatile bool headersSent;
    private volatile bool disconnected;

    private RestPlayer(HttpContext http, RestDirections directions, TimerWheel wheel, EmulatorStats.Call call) =>
        (this.http, this.directions, this.wheel, this.call) = (http, directions, wheel, call);

    public static async Task PlayAsync(HttpContext http, RestDirections directions, RestResponse answer, TimerWheel wheel, EmulatorStats.Call call)
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
        if (directions.Hang is RestHang.BeforeHeaders)
        {
            await wheel.WaitForCancelAsync(timer);
            return;
        }

        await PauseAsync(directions.HeadersMs);
        var body = Body(answer);
        http.Response.StatusCode = answer.Status;
        if (body.Length > 0)
        {
            http.Response.ContentType = directions.Body is RestBody.Html ? "text/html; charset=utf-8" : "application/json; charset=utf-8";
        }

        var whole = directions is { Hang: RestHang.None, Cut: RestCut.None };
        await WriteAsync(whole ? body : body.AsMemory(0, body.Length / 2));
        if (disconnected)
        {
            return;
        }

        if (directions.Hang is RestHang.Mid)
        {
            await wheel.WaitForCancelAsync(timer);
        }
        else if (directions.Cut is not RestCut.None)
        {
            call.Broken(); // before the cut, so that the cut is not counted as an abort by the client
            ConnectionCut.Cut(http, fin: directions.Cut is RestCut.Fin);
        }
        else if (answer.Status >= 400)
        {
            call.Refused();
        }
        else
        {
            call.Completed();
        }
    }

    private byte[] Body(RestResponse answer)
    {
        var json = answer.Json;
        var text = directions.Body switch
        {
            RestBody.Html =>
                $"<!DOCTYPE html><html><head><title>{answer.Status}</title></head>"
                + $"<body><center><h1>{answer.Status}</h1></center><hr><center>edge</center></body></html>",
            RestBody.Empty => "",
            RestBody.BadJson => json[..(json.Length / 2)],
            RestBody.OtherJson => "[\"not what was asked for\"]",
            _ => json,
        };
        if (directions.GiantBytes > text.Length)
        {
            text = text.PadRight(directions.GiantBytes); // spaces after the value do not change the JSON
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length >= MinCompressedBytes
            && http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase) ? Compress(bytes) : bytes;
    }

    private byte[] Compress(byte[] bytes)
    {
        http.Response.Headers.ContentEncoding = "gzip";
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return compressed.ToArray();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        for (var piece = 0; piece < directions.Pieces && !disconnected; piece++)
        {
            var (from, to) = (At(piece), At(piece + 1));
            if (piece > 0)
            {
                await PauseAsync(directions.EveryMs);
            }

            headersSent = true;
            if (from == to)
            {
                continue; // a 204 response does not allow a write, not even an empty one
            }

            await http.Response.Body.WriteAsync(bytes[from..to], http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            written = to;
        }

        int At(int piece) => (int)((long)bytes.Length * piece / directions.Pieces);
    }

    private async ValueTask PauseAsync(int milliseconds)
    {
        if (milliseconds > 0 && !disconnected)
        {
            await wheel.WaitUntilAsync(timer, wheel.NowMs + milliseconds);
        }

        http.RequestAborted.ThrowIfCancellationRequested();
    }

    private void OnDisconnected()
    {
        disconnected = true;
        call.AbortedByPeer(!headersSent ? "before-headers" : written == 0 ? "before-first" : "mid", 0);
        wheel.Cancel(timer);
    }
}
