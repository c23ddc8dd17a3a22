using System.Buffers.Text;
using System.Text;

namespace Sendcat.Benchmarks.Load;

/// <summary>
/// Reads one stream line by line and strictly: only <c>data: </c>, comments and blank lines, no error inside, the end marked as the dialect marks it. Looks at bytes alone, so that the client
/// takes little from the two cores that it shares with what it measures.
/// </summary>
internal sealed class StreamListener(Dialect dialect)
{
    /// <summary>Digits of microseconds since 1970 that the emulator's marker <c>stamp</c> puts after an @ in front of every piece.</summary>
    private const int StampDigits = 16;

    private readonly byte[] buffer = new byte[16 * 1024];
    private int filled;

    /// <summary>Told of every piece of text: microseconds since 1970 at which it was sent.</summary>
    public Action<long>? OnPiece { get; init; }

    /// <summary>Told of every event of the Sendcat dialect that is no text, as JSON.</summary>
    public Action<string>? OnEvent { get; init; }

    public int Pieces { get; private set; }

    public bool Done { get; private set; }

    /// <summary>What was wrong with the stream; null so far.</summary>
    public string? Complaint { get; private set; }

    /// <summary>Where the next bytes of the body go.</summary>
    public Memory<byte> Room => buffer.AsMemory(filled);

    /// <summary>Takes the bytes that were read into <see cref="Room"/>.</summary>
    public void Advance(int count)
    {
        filled += count;
        var rest = buffer.AsSpan(0, filled);
        while (rest.IndexOf((byte)'\n') is >= 0 and var end)
        {
            Line(rest[..end].TrimEnd((byte)'\r'));
            rest = rest[(end + 1)..];
        }

        if (rest.Length == buffer.Length)
        {
            Complaint ??= "a line of more than 16 KiB";
            rest = [];
        }

        rest.CopyTo(buffer);
        filled = rest.Length;
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] == (byte)':')
        {
            return;
        }

        if (!line.StartsWith("data: "u8))
        {
            Complaint ??= $"a line that is no event: {Encoding.UTF8.GetString(line)}";
            return;
        }

        if (Done)
        {
            Complaint ??= "an event after the end";
            return;
        }

        var data = line["data: "u8.Length..];
        if (dialect == Dialect.OpenRouter)
        {
            OpenRouter(data);
        }
        else
        {
            Sendcat(data);
        }
    }

    private void OpenRouter(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            Done = true;
        }
        else if (data.IndexOf("\"error\":{"u8) >= 0)
        {
            Complaint ??= $"an error inside: {Encoding.UTF8.GetString(data)}";
        }
        else
        {
            Text(data);
        }
    }

    private void Sendcat(ReadOnlySpan<byte> data)
    {
        if (data.IndexOf("\"type\":\"content\""u8) >= 0)
        {
            Text(data);
            return;
        }

        OnEvent?.Invoke(Encoding.UTF8.GetString(data));
        if (data.IndexOf("\"type\":\"done\""u8) >= 0)
        {
            Done = true;
        }
        else if (data.IndexOf("\"type\":\"error\""u8) >= 0)
        {
            Complaint ??= $"an error inside: {Encoding.UTF8.GetString(data)}";
        }
    }

    /// <summary>Counts stamps rather than events: a program in the middle that glues two pieces together has delivered both, one of them late.</summary>
    private void Text(ReadOnlySpan<byte> data)
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
