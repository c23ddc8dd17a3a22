using System.Buffers;
using System.Text.Json;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Splits the bytes of an event stream into the payloads of its <c>data</c> lines, independent of how the network splits the bytes. Lines
/// end with LF, CRLF or CR. Comments, other fields and empty data are skipped. Consecutive data lines form one payload; but a line that is
/// a complete JSON value (or <c>[DONE]</c>) is returned immediately, without waiting for the blank line after it.
/// </summary>
internal sealed class SseBuffer : IDisposable
{
    /// <summary>Maximum bytes of a line, and of a payload of several lines.</summary>
    public const int MaxLineBytes = 1024 * 1024;

    private const int InitialBytes = 4096;
    private const int MinWriteBytes = 512;

    private byte[]? _bytes;
    private int _start;
    private int _scanned;
    private int _end;
    private bool _skipLineFeed;
    private bool _pastByteOrderMark;
    private ArrayBufferWriter<byte>? _payload;
    private bool _payloadWasReturned;

    public static ReadOnlySpan<byte> Done => "[DONE]"u8;

    /// <summary>A line or payload exceeded <see cref="MaxLineBytes"/>. Nothing more can be read.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>Set when anything except comments and blank lines arrives. The owner clears it.</summary>
    public bool SawField { get; set; }

    /// <summary>Free memory for the next bytes, at least 512. It rents a buffer if none is held.</summary>
    public Memory<byte> GetWriteMemory()
    {
        if (_bytes is null)
        {
            _bytes = ArrayPool<byte>.Shared.Rent(InitialBytes);
        }
        else if (_bytes.Length - _end < MinWriteBytes)
        {
            MakeWriteSpace();
        }

        return _bytes.AsMemory(_end);
    }

    /// <param name="count">Bytes that were written into the memory of <see cref="GetWriteMemory"/>.</param>
    public void Advance(int count) => _end += count;

    /// <summary>Reads the next payload, which is valid until the next call. False: more bytes are needed.</summary>
    public bool TryRead(out ReadOnlySpan<byte> payload)
    {
        if (_payloadWasReturned)
        {
            _payload!.ResetWrittenCount();
            _payloadWasReturned = false;
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

    /// <summary>At the end of the stream: reads the last payload without a line end or blank line, if it is complete.</summary>
    public bool TryReadRemainder(out ReadOnlySpan<byte> payload)
    {
        var line = Pending;
        _start = _scanned = _end;
        return TakeLine(line, out payload) || (TakeLine([], out payload) && IsComplete(payload));
    }

    /// <summary>Returns the buffer to the pool if no bytes are pending, so that an idle stream holds no buffer.</summary>
    public void ReleaseIfEmpty()
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

    /// <summary>Skips the LF of a CRLF whose CR ended the previous line, and the byte order mark at the start of the stream.</summary>
    /// <returns>False: more bytes are needed.</returns>
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

        if (_payload is not { WrittenCount: > 0 } && (BlankLineFollows() || data.SequenceEqual(Done) || IsComplete(data)))
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
        _payloadWasReturned = !payload.IsEmpty;
        return _payloadWasReturned;
    }

    /// <summary>True if the blank line arrived together with the data line. This common case needs no JSON parsing.</summary>
    private bool BlankLineFollows()
    {
        var rest = Pending;
        if (_skipLineFeed && rest.StartsWith((byte)'\n'))
        {
            rest = rest[1..];
        }

        return !rest.IsEmpty && rest[0] is (byte)'\n' or (byte)'\r';
    }

    /// <summary>True for a complete JSON value, and for data that more bytes cannot turn into valid JSON.</summary>
    private static bool IsComplete(ReadOnlySpan<byte> data)
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

    private void MakeWriteSpace()
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
