using System.Text;
using System.Text.RegularExpressions;
using MimeKit;

namespace Sendcat.Integrations.Mail;

/// <summary>Decodes the text of a part: by its charset, else by what its bytes are.</summary>
internal static class PartText
{
    private static readonly Regex Meta = LinearRegex.Of(@"<meta[^>]{0,200}charset\s*=\s*[""']?(?<name>[a-z0-9_\-:]{2,40})");

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>In the old encodings of Japan the code of the backslash is the yen sign.</summary>
    private static readonly Regex Yen = LinearRegex.Of(@"\\(?<digit>[0-9])");

    /// <param name="part">A part with text.</param>
    /// <param name="longest">Most bytes that are decoded.</param>
    /// <param name="isCut">The part is longer.</param>
    public static string Of(TextPart part, int longest, out bool isCut)
    {
        var bytes = BytesOf(part, longest, out isCut);
        if (bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            return Encoding.UTF8.GetString(bytes.AsSpan(3));
        }

        var declared = EncodingOf(part.ContentType.Charset);
        if (declared is null or { CodePage: 20127 })
        {
            // No charset, or ASCII with other bytes: UTF-8 is recognizable, and what the page says is the next best guess.
            return TryUtf8(bytes) ?? (EncodingOf(MetaOf(bytes)) ?? EncodingOf("windows-1252")!).GetString(bytes);
        }

        // A wrong "iso-8859-1" on UTF-8 is common. The reverse, bytes that are valid UTF-8 by chance, hardly occurs.
        return declared.IsSingleByte && TryUtf8(bytes) is { } utf8 ? utf8
            : declared.CodePage is 932 or 50220 or 50221 or 50222 ? Yen.Replace(declared.GetString(bytes), "¥${digit}")
            : declared.GetString(bytes);
    }

    private static byte[] BytesOf(TextPart part, int longest, out bool isCut)
    {
        isCut = false;
        if (part.Content is null)
        {
            return [];
        }

        using var source = part.Content.Open();
        var bytes = new byte[Math.Min(longest, 64 * 1024)];
        var length = 0;
        for (int read; (read = source.Read(bytes, length, bytes.Length - length)) > 0;)
        {
            length += read;
            if (length == bytes.Length)
            {
                if (length >= longest)
                {
                    isCut = source.ReadByte() >= 0;
                    break;
                }

                Array.Resize(ref bytes, Math.Min(longest, bytes.Length * 2));
            }
        }

        return bytes[..length];
    }

    private static string? TryUtf8(byte[] bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string? MetaOf(byte[] bytes) =>
        Meta.Match(Encoding.Latin1.GetString(bytes, 0, Math.Min(bytes.Length, 4_096))) is { Success: true } match
            ? match.Groups["name"].Value
            : null;

    private static Encoding? EncodingOf(string? charset)
    {
        if (charset is not { Length: > 0 and <= 40 })
        {
            return null;
        }

        try
        {
            return Encoding.GetEncoding(
                charset.Trim('"', '\'', ' ') switch { "utf8" => "utf-8", "ansi_x3.4-1968" => "us-ascii", var name => name });
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
