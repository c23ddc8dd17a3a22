using System.Buffers;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Finds the end of a JSON value while it arrives, and copies the value up to a limit. It follows strings and brackets only; whether the
/// value is valid JSON is checked elsewhere.
/// </summary>
internal sealed class JsonValueCopy
{
    private static readonly SearchValues<byte> EndOfStringPart = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> Structural = SearchValues.Create("\"{}[]"u8);

    private ArrayBufferWriter<byte>? _sink;
    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>Bytes that the sink may hold.</summary>
    public int Limit { get; private set; }

    /// <summary>The value is longer than the limit; the sink has only its beginning.</summary>
    public bool HasOverflowed { get; private set; }

    /// <summary>The next byte is the first one of a value.</summary>
    /// <param name="sink">Receives the copy; null: the value is skipped.</param>
    public void Begin(ArrayBufferWriter<byte>? sink, int limit) =>
        (_sink, Limit, HasOverflowed, _depth, _inString, _escaped) = (sink, limit, false, 0, false, false);

    /// <summary>Reads on to the end of the value and copies what is read, up to the limit.</summary>
    /// <returns>True at its end. The token after a number or a literal is not read.</returns>
    public bool Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        var from = at;
        var ended = false;
        while (at < bytes.Length && !ended)
        {
            var rest = bytes[at..];
            if (_inString)
            {
                var length = _escaped ? 0 : rest.IndexOfAny(EndOfStringPart);
                if (length < 0)
                {
                    at = bytes.Length;
                    break;
                }

                at += length + 1;
                if (_escaped)
                {
                    _escaped = false;
                }
                else if (rest[length] == (byte)'\\')
                {
                    _escaped = true;
                }
                else
                {
                    _inString = false;
                    ended = _depth == 0;
                }

                continue;
            }

            if (_depth > 0)
            {
                var length = rest.IndexOfAny(Structural);
                if (length < 0)
                {
                    at = bytes.Length;
                    break;
                }

                at += length;
            }

            switch (bytes[at])
            {
                case (byte)'"':
                    _inString = true;
                    at++;
                    break;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    at++;
                    break;
                case (byte)'}' or (byte)']' when _depth > 0:
                    at++;
                    ended = --_depth == 0;
                    break;
                case (byte)'}' or (byte)']' or (byte)',' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    Copy(bytes[from..at]);
                    return true;
                default:
                    at++;
                    break;
            }
        }

        Copy(bytes[from..at]);
        return ended;
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        if (_sink is null || HasOverflowed)
        {
            return;
        }

        HasOverflowed = _sink.WrittenCount + bytes.Length > Limit;
        if (!HasOverflowed)
        {
            _sink.Write(bytes);
        }
    }
}
