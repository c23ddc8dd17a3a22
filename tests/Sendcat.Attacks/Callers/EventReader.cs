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

    private readonly List<JsonElement> _events = [];
    private readonly MemoryStream _line = new();
    private TimeSpan? _firstToken;
    private string? _problem;
    private bool _ended;
    private long _bytes;

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

                _bytes += read;
                Parse(buffer.AsSpan(0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            _problem ??= failure.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _problem ??= $"no byte for {SilenceTimeout.TotalSeconds:0} s";
        }
    }

    public TurnResult ToResult(int status) =>
        new()
        {
            Status = status,
            FirstToken = _firstToken,
            Events = _events,
            Bytes = _bytes,
            Problem = _problem ?? (_ended ? null : "ended without an end event"),
        };

    private void Parse(ReadOnlySpan<byte> read)
    {
        while (read.IndexOf((byte)'\n') is >= 0 and var end)
        {
            _line.Write(read[..end]);
            ParseLine(_line.GetBuffer().AsSpan(0, (int)_line.Length));
            _line.SetLength(0);
            read = read[(end + 1)..];
        }

        _line.Write(read);
    }

    private void ParseLine(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] == (byte)':')
        {
            return;
        }

        if (!text.StartsWith("data: "u8) || text.Contains((byte)'\r'))
        {
            _problem ??= $"a line that is not an event: {Beginning(text)}";
            return;
        }

        if (text[6..].SequenceEqual("[DONE]"u8))
        {
            _ended = true;
            return;
        }

        JsonElement chatEvent;
        try
        {
            var json = new Utf8JsonReader(text[6..]);
            chatEvent = JsonElement.ParseValue(ref json);
            if (json.BytesConsumed != text.Length - 6)
            {
                _problem ??= $"more than one event in a line: {Beginning(text)}";
            }
        }
        catch (JsonException)
        {
            _problem ??= $"an event that is not JSON: {Beginning(text)}";
            return;
        }

        _events.Add(chatEvent);
        switch (chatEvent.GetProperty("type").GetString())
        {
            case "content" or "text-delta":
                _firstToken ??= TimeProvider.System.GetElapsedTime(began);
                break;
            case "done" or "finish" or "aborted":
                _ended = true;
                break;
            case "error":
                _problem ??= $"an error event: {chatEvent}";
                break;
        }
    }

    private static string Beginning(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text.Length > 200 ? text[..200] : text);
}
