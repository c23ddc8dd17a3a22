using System.Buffers.Text;
using System.Text;

namespace Sendcat.Benchmarks.Load;

/// <summary>
/// Parses one stream strictly: each line is <c>data: </c>, a comment or blank, the stream has no error, and the end is marked as in the
/// dialect. It compares bytes and does not parse JSON, so that the client needs little CPU on the cores that it shares with the measured
/// processes.
/// </summary>
internal sealed class StreamParser(Dialect dialect)
{
    /// <summary>
    /// The number of digits of a time stamp (Unix time, µs). The marker <c>stamp</c> of the emulator writes it after an @ before each
    /// piece.
    /// </summary>
    private const int StampDigits = 16;

    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _filled;

    /// <summary>Called for each piece of text with the time at which it was sent (Unix time, µs).</summary>
    public Action<long>? OnPiece { get; init; }

    /// <summary>Called for each event of the Sendcat dialect that is not text, with its JSON.</summary>
    public Action<string>? OnEvent { get; init; }

    public int Pieces { get; private set; }

    public bool Done { get; private set; }

    /// <summary>The first problem of the stream; null without one.</summary>
    public string? Problem { get; private set; }

    /// <summary>The buffer for the next bytes of the body.</summary>
    public Memory<byte> FreeBuffer => _buffer.AsMemory(_filled);

    /// <summary>Parses the bytes that were read into <see cref="FreeBuffer"/>.</summary>
    /// <param name="count">The number of bytes.</param>
    public void Advance(int count)
    {
        _filled += count;
        var rest = _buffer.AsSpan(0, _filled);
        while (rest.IndexOf((byte)'\n') is >= 0 and var end)
        {
            ParseLine(rest[..end].TrimEnd((byte)'\r'));
            rest = rest[(end + 1)..];
        }

        if (rest.Length == _buffer.Length)
        {
            Problem ??= "a line of more than 16 KiB";
            rest = [];
        }

        rest.CopyTo(_buffer);
        _filled = rest.Length;
    }

    private void ParseLine(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] == (byte)':')
        {
            return;
        }

        if (!line.StartsWith("data: "u8))
        {
            Problem ??= $"a line that is not an event: {Encoding.UTF8.GetString(line)}";
            return;
        }

        if (Done)
        {
            Problem ??= "an event after the end";
            return;
        }

        var data = line["data: "u8.Length..];
        if (dialect == Dialect.OpenRouter)
        {
            ParseOpenRouter(data);
        }
        else
        {
            ParseSendcat(data);
        }
    }

    private void ParseOpenRouter(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            Done = true;
        }
        else if (data.IndexOf("\"error\":{"u8) >= 0)
        {
            Problem ??= $"an error event: {Encoding.UTF8.GetString(data)}";
        }
        else
        {
            CountPieces(data);
        }
    }

    private void ParseSendcat(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"type\":\"content\""u8) >= 0)
        {
            CountPieces(data);
            return;
        }

        OnEvent?.Invoke(Encoding.UTF8.GetString(data));
        if (data.IndexOf("\"type\":\"done\""u8) >= 0)
        {
            Done = true;
        }
        else if (data.IndexOf("\"type\":\"error\""u8) >= 0)
        {
            Problem ??= $"an error event: {Encoding.UTF8.GetString(data)}";
        }
    }

    /// <summary>
    /// Counts time stamps and not events: a proxy that joins two pieces in one event has delivered both, one of them late.
    /// </summary>
    private void CountPieces(ReadOnlySpan<byte> data)
    {
        while (data.IndexOf((byte)'@') is >= 0 and var at && data.Length - at - 1 >= StampDigits)
        {
            if (Utf8Parser.TryParse(data.Slice(at + 1, StampDigits), out long stamp, out var digits) && digits == StampDigits)
            {
                Pieces++;
                OnPiece?.Invoke(stamp);
            }

            data = data[(at + 1)..];
        }
    }
}
