using System.Buffers;
using System.Globalization;
using System.Text;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>Collects the frames of a stream in one buffer and inserts comments into long delays.</summary>
internal sealed class ScriptBuilder(Directions directions)
{
    private const string StampPlaceholder = "0000000000000000";

    private readonly ArrayBufferWriter<byte> _bytes = new(4096);
    private readonly List<(FrameKind Kind, int DelayMs, int StampAt, int Start, int Length)> frames = [];
    private readonly string _newline = directions.Crlf ? "\r\n" : "\n";
    private int _delay;

    public void Wait(int milliseconds)
    {
        _delay += milliseconds;
        while (directions.CommentEveryMs > 0 && _delay > directions.CommentEveryMs)
        {
            var rest = _delay - directions.CommentEveryMs;
            _delay = directions.CommentEveryMs;
            Comment();
            _delay = rest;
        }
    }

    public void Comment() => Add(FrameKind.Raw, $": OPENROUTER PROCESSING{_newline}{_newline}");

    /// <summary>
    /// Adds a data event. <paramref name="tail"/> begins with <c>"choices"</c> or <c>"error"</c>; the player writes the head of the
    /// response before it.
    /// </summary>
    public void Chunk(string tail)
    {
        var text = $"{tail}{_newline}{_newline}";
        var stamp = directions.Stamp ? text.IndexOf($"@{StampPlaceholder}", StringComparison.Ordinal) : -1;
        Add(FrameKind.Chunk, text, stamp < 0 ? -1 : Encoding.UTF8.GetByteCount(text.AsSpan(0, stamp + 1)));
    }

    /// <summary>Adds a data event without the head of the response.</summary>
    public void Data(string data) => Add(FrameKind.Raw, $"data:{(directions.NoSpace ? "" : " ")}{data}{_newline}{_newline}");

    public void End(FrameKind kind) => Add(kind, "");

    /// <summary>
    /// The content of a delta as a JSON string, with a placeholder for the send time when the marker <c>stamp</c> is set.
    /// </summary>
    public string Content(string text) => Json.Quote(directions.Stamp ? $"@{StampPlaceholder} {text}" : text);

    public IReadOnlyList<Frame> Build()
    {
        var all = _bytes.WrittenMemory;
        return [.. frames.Select(f => new Frame(f.Kind, f.DelayMs, f.StampAt, all.Slice(f.Start, f.Length)))];
    }

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private void Add(FrameKind kind, string text, int stampAt = -1)
    {
        var start = _bytes.WrittenCount;
        var length = Encoding.UTF8.GetBytes(text, _bytes);
        frames.Add((kind, _delay, stampAt, start, (int)length));
        _delay = 0;
    }
}
