using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Sendcat.Reliability.UntrustedText;

/// <summary>
/// Reads JSON strings for which <see cref="Utf8JsonReader.GetString"/> would throw: lone surrogates in escapes, and bytes that are not
/// UTF-8.
/// </summary>
public static class LenientJsonString
{
    /// <summary>Strings up to this number of bytes are unescaped on the stack.</summary>
    private const int MaxStackChars = 256;

    /// <summary>
    /// The value of the current string or property name token; null for any other token. A lone surrogate in the middle becomes U+FFFD. A
    /// lone surrogate at either end is kept, because a model may split a character between two deltas.
    /// </summary>
    public static string? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
        {
            return null;
        }

        var bytes = reader.ValueSpan;
        if (bytes.IsEmpty)
        {
            return "";
        }

        return reader.ValueIsEscaped ? Unescape(bytes, replaceInside: true) : Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The value of a string. Lone surrogates are kept; <see cref="StorableText"/> repairs them.</summary>
    public static string Read(JsonElement text) => Unescape(JsonMarshal.GetRawUtf8Value(text)[1..^1], replaceInside: false);

    /// <summary>The value of a string; null if it contains a lone surrogate or bytes that are not UTF-8.</summary>
    public static string? ReadWellFormed(JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The name of a property; null if it contains a lone surrogate or bytes that are not UTF-8.</summary>
    public static string? ReadWellFormedName(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string Unescape(ReadOnlySpan<byte> bytes, bool replaceInside)
    {
        char[]? rented = null;
        var chars = bytes.Length <= MaxStackChars ? stackalloc char[MaxStackChars] : (rented = ArrayPool<char>.Shared.Rent(bytes.Length));
        var length = 0;
        while (!bytes.IsEmpty)
        {
            var escape = bytes.IndexOf((byte)'\\');
            var plain = escape < 0 ? bytes : bytes[..escape];
            length += Encoding.UTF8.GetChars(plain, chars[length..]);
            if (escape < 0)
            {
                break;
            }

            bytes = bytes[(escape + 1)..];
            chars[length++] = Escaped(bytes, out var consumed);
            bytes = bytes[consumed..];
        }

        if (replaceInside)
        {
            ReplaceInside(chars[..length]);
        }

        var text = new string(chars[..length]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return text;
    }

    /// <param name="bytes">Begins after the backslash. The JSON reader has already checked that the escape is well formed.</param>
    /// <param name="consumed">Bytes of the escape without the backslash.</param>
    private static char Escaped(ReadOnlySpan<byte> bytes, out int consumed)
    {
        consumed = 1;
        switch (bytes[0])
        {
            case (byte)'n':
                return '\n';
            case (byte)'t':
                return '\t';
            case (byte)'r':
                return '\r';
            case (byte)'b':
                return '\b';
            case (byte)'f':
                return '\f';
            case (byte)'u':
                consumed = 5;
                return (char)ushort.Parse(bytes.Slice(1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            default:
                return (char)bytes[0];
        }
    }

    private static void ReplaceInside(Span<char> chars)
    {
        for (var i = 0; i < chars.Length; i++)
        {
            var mayContinue = (i == 0 && char.IsLowSurrogate(chars[i])) || (i == chars.Length - 1 && char.IsHighSurrogate(chars[i]));
            if (!mayContinue && StorableText.IsLoneSurrogate(chars, i))
            {
                chars[i] = '\uFFFD';
            }
        }
    }
}
