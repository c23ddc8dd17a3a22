using System.Text;
using System.Text.Json;

namespace Sendcat.Attacks.Callers;

/// <summary>
/// Reads an event stream like a strict client: each line is an event, a comment or blank, each event is one JSON value in one line, and the
/// last event marks the end.
/// </summary>
/// <param name="began">The timestamp of the request, for the time to the first token.</param>
internal sealed class EventReader(long began)
{
    /// <summary>The maximum time without a byte. Keep-alive comments come every 15 s.</summary>
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(30);

    private readonly List<JsonElement> events = [];
    private readonly MemoryStream line = new();
    private TimeSpan? firstToken;
    private string? problem;
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
                silence.CancelAfter(SilenceTimeout);
                var read = await stream.ReadAsync(buffer, silence.Token);
                if (read == 0)
                {
                    break;
                }

                bytes += read;
                Parse(buffer.AsSpan(0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            problem ??= failure.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem ??= $"no byte for {SilenceTimeout.TotalSeconds:0} s";
        }
    }

    public TurnResult ToResult(int status) =>
        new()
        {
            Status = status,
            FirstToken = firstToken,
            Events = events,
            Bytes = bytes,
            Problem = problem ?? (ended ? null : "ended without an end event"),
        };

    private void Parse(ReadOnlySpan<byte> read)
    {
        while (read.IndexOf((byte)'\n') is >= 0 and var end)
        {
            line.Write(read[..end]);
            ParseLine(line.GetBuffer().AsSpan(0, (int)line.Length));
            line.SetLength(0);
            read = read[(end + 1)..];
        }

        line.Write(read);
    }

    private void ParseLine(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] == (byte)':')
        {
            return;
        }

        if (!text.StartsWith("data: "u8) || text.Contains((byte)'\r'))
        {
            problem ??= $"a line that is not an event: {Beginning(text)}";
            return;
        }

        if (text[6..].SequenceEqual("[DONE]"u8))
        {
            ended = true;
            return;
        }

        JsonElement chatEvent;
        try
        {
            var json = new Utf8JsonReader(text[6..]);
            chatEvent = JsonElement.ParseValue(ref json);
            if (json.BytesConsumed != text.Length - 6)
            {
                problem ??= $"more than one event in a line: {Beginning(text)}";
            }
        }
        catch (JsonException)
        {
            problem ??= $"an event that is not JSON: {Beginning(text)}";
            return;
        }

        events.Add(chatEvent);
        switch (chatEvent.GetProperty("type").GetString())
        {
            case "content" or "text-delta":
                firstToken ??= TimeProvider.System.GetElapsedTime(began);
                break;
            case "done" or "finish":
                ended = true;
                break;
            case "error":
                problem ??= $"an error event: {chatEvent}";
                break;
        }
    }

    private static string Beginning(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text.Length > 200 ? text[..200] : text);
}
