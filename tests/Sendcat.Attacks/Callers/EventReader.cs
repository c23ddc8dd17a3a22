using System.Text;
using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>Reads a stream as the strictest client would: lines that are events, comments or blank, every event JSON of its own in one line, and the end said by the last one.</summary>
internal sealed class EventReader(long began)
{
    /// <summary>A reader that got nothing for so long has waited long enough: keep-alive comments come every 15 s.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private readonly List<JsonElement> events = [];
    private readonly MemoryStream line = new();
    private TimeSpan? firstToken;
    private string? complaint;
    private bool ended;
    private long bytes;

    public async Task ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                silence.CancelAfter(Silence);
                var read = await stream.ReadAsync(buffer, silence.Token);
                if (read == 0)
                {
                    break;
                }

                bytes += read;
                Take(buffer.AsSpan(0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            complaint ??= failure.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            complaint ??= $"silent for {Silence.TotalSeconds:0} s";
        }
    }

    public Turn Turn(int status) => new() { Status = status, FirstToken = firstToken, Events = events, Bytes = bytes, Complaint = complaint ?? (ended ? null : "ended without saying so") };

    private void Take(ReadOnlySpan<byte> read)
    {
        while (read.IndexOf((byte)'\n') is >= 0 and var end)
        {
            line.Write(read[..end]);
            Line(line.GetBuffer().AsSpan(0, (int)line.Length));
            line.SetLength(0);
            read = read[(end + 1)..];
        }

        line.Write(read);
    }

    private void Line(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] == (byte)':')
        {
            return;
        }

        if (!text.StartsWith("data: "u8) || text.Contains((byte)'\r'))
        {
            complaint ??= $"a line that is no event: {Start(text)}";
            return;
        }

        if (text[6..].SequenceEqual("[DONE]"u8))
        {
            ended = true;
            return;
        }

        JsonElement happened;
        try
        {
            var json = new Utf8JsonReader(text[6..]);
            happened = JsonElement.ParseValue(ref json);
            if (json.BytesConsumed != text.Length - 6)
            {
                complaint ??= $"more than one event in a line: {Start(text)}";
            }
        }
        catch (JsonException)
        {
            complaint ??= $"an event that is no JSON: {Start(text)}";
            return;
        }

        events.Add(happened);
        switch (happened.GetProperty("type").GetString())
        {
            case "content" or "text-delta":
                firstToken ??= TimeProvider.System.GetElapsedTime(began);
                break;
            case "done" or "finish":
                ended = true;
                break;
            case "error":
                complaint ??= $"an error inside: {happened}";
                break;
        }
    }

    private static string Start(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text.Length > 200 ? text[..200] : text);
}
