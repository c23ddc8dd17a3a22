using System.Buffers;
using System.Text.Json;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Cuts the bytes of an event stream into the payloads of its <c>data</c> lines, however the network cut them. Lines end with LF, CRLF or CR;
/// comments, other fields and empty data are passed over; several data lines make one payload, except that a line which is a whole JSON
/// value (or <c>[DONE]</c>) is handed out at once and does not wait for the blank line behind it.
/// </summary>
internal sealed class SseBuffer : IDisposable
{
    /// <summary>The longest line, and the longest payload of several lines, in bytes.</summary>
    public const int MaxLineBytes = 1024 * 1024;

    private const int FirstBytes = 4096;
    private const int LeastRoom = 512;

    private byte[]? _bytes;
    private int _start;
    private int _scanned;
    private int _end;
    private bool _skipLineFeed;
    private bool _pastByteOrderMark;
    private ArrayBufferWriter<byte>? _payload;
    private bool _payloadHandedOut;

    public static ReadOnlySpan<byte> Done => "[DONE]"u8;

    /// <summary>A line or payload outgrew <see cref="MaxLineBytes"/>; nothing more can be read.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>Set by everything but comments and blank lines; the owner clears it.</summary>
    public bool SawField { get; set; }

    /// <summary>Room for the next bytes. While nothing is pending between reads, no buffer is held.</summary>
    public Memory<byte> Room()
    {
        if (_bytes is null)
        {
            _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
        }
        else if (_bytes.Length - _end < LeastRoom)
        {
            MakeRoom();
        }

        return _bytes.AsMemory(_end);
    }

    public void Advance(int count) => _end += count;

    /// <summary>The next payload, valid until the next call; false when more bytes are needed.</summary>
    public bool TryRead(out ReadOnlySpan<byte> payload)
    {
        if (_payloadHandedOut)
        {
            _payload!.ResetWrittenCount();
            _payloadHandedOut = false;
        }

        while (TryReadLine(out var line))
        {
            if (TakeLine(line, out payload))
            {
                return true;
            }
        }

        payload = default;
        return false;
    }

    /// <summary>At the end of the stream: what stands unterminated, if it is whole all the same.</summary>
    public bool TryReadRest(out ReadOnlySpan<byte> payload)
    {
        var line = Pending;
        _start = _scanned = _end;
        return TakeLine(line, out payload) || (TakeLine([], out payload) && IsWhole(payload));
    }

    /// <summary>Gives the buffer back while nothing is pending, so that a silent stream costs none.</summary>
    public void Rest()
    {
        if (_start < _end)
        {
            SawField |= _bytes![_start] != (byte)':';
            return;
        }

        Dispose();
    }

    public void Dispose()
    {
        if (_bytes is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            _bytes = null;
        }

        _start = _scanned = _end = 0;
    }

    private ReadOnlySpan<byte> Pending => _bytes.AsSpan(_start, _end - _start);

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (Overflowed || !TryPassPrefix())
        {
            return false;
        }

        var found = _bytes.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\n', (byte)'\r');
        if (found < 0)
        {
            _scanned = _end;
            Overflowed = _end - _start > MaxLineBytes;
            return false;
        }

        var lineEnd = _scanned + found;
        line = _bytes.AsSpan(_start, lineEnd - _start);
        _skipLineFeed = _bytes![lineEnd] == (byte)'\r';
        _start = _scanned = lineEnd + 1;
        Overflowed = line.Length > MaxLineBytes;
        return !Overflowed;
    }

    /// <summary>Passes the LF of a CRLF whose CR ended the line before, and the byte order mark at the very start.</summary>
    private bool TryPassPrefix()
    {
        if (_start == _end)
        {
            return false;
        }

        if (_skipLineFeed)
        {
            _skipLineFeed = false;
            if (_bytes![_start] == (byte)'\n')
            {
                _start++;
                _scanned = Math.Max(_scanned, _start);
            }
        }

        if (!_pastByteOrderMark)
        {
            ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
            var pending = Pending;
            if (pending.Length < mark.Length && mark.StartsWith(pending))
            {
                return false;
            }

            _pastByteOrderMark = true;
            if (pending.StartsWith(mark))
            {
                _start += mark.Length;
                _scanned = Math.Max(_scanned, _start);
            }
        }

        return _start < _end;
    }

    private bool TakeLine(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (line.IsEmpty)
        {
            return TakePayload(out payload);
        }

        if (line[0] == (byte)':')
        {
            return false;
        }

        SawField = true;
        if (!line.StartsWith("data:"u8))
        {
            return false;
        }

        var data = line[5..];
        if (data.StartsWith((byte)' '))
        {
            data = data[1..];
        }

        if (data.IsEmpty)
        {
            return false;
        }

        if (_payload is not { WrittenCount: > 0 } && (BlankLineFollows() || data.SequenceEqual(Done) || IsWhole(data)))
        {
            payload = data;
            return true;
        }

        Append(data);
        return false;
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        _payload ??= new ArrayBufferWriter<byte>(data.Length + 256);
        if (_payload.WrittenCount + data.Length >= MaxLineBytes)
        {
            Overflowed = true;
            return;
        }

        if (_payload.WrittenCount > 0)
        {
            _payload.Write("\n"u8);
        }

        _payload.Write(data);
    }

    private bool TakePayload(out ReadOnlySpan<byte> payload)
    {
        payload = _payload is { } pending ? pending.WrittenSpan : default;
        _payloadHandedOut = !payload.IsEmpty;
        return _payloadHandedOut;
    }

    /// <summary>The usual case, decided without looking into the JSON: the blank line came with the data line.</summary>
    private bool BlankLineFollows()
    {
        var rest = Pending;
        if (_skipLineFeed && rest.StartsWith((byte)'\n'))
        {
            rest = rest[1..];
        }

        return !rest.IsEmpty && rest[0] is (byte)'\n' or (byte)'\r';
    }

    /// <summary>True also for what can never become JSON: waiting would not make it better.</summary>
    private static bool IsWhole(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data, isFinalBlock: false, default);
        try
        {
            return reader.Read() && reader.TrySkip();
        }
        catch (JsonException)
        {
            return true;
        }
    }

    private void MakeRoom()
    {
        var pending = Pending;
        if (_start > 0 && pending.Length <= _bytes!.Length / 2)
        {
            pending.CopyTo(_bytes);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(_bytes!.Length * 2);
            pending.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        _scanned -= _start;
        _end -= _start;
        _start = 0;
    }
}
