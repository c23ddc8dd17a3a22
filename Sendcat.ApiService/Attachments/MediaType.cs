namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Recognizes the media type of a file from its first bytes. What a client says about a file that is stored here is never used. Nothing is
/// decoded or decompressed.
/// </summary>
internal static class MediaType
{
    public const string Pdf = "application/pdf";

    /// <summary>The bytes that <see cref="Of"/> needs.</summary>
    public const int HeadLength = 64;

    private static readonly HashSet<string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/heic", Pdf,
    };

    /// <summary>What a client says about a file of which it does not know the type, as browsers do for HEIC.</summary>
    private const string Unknown = "application/octet-stream";

    public static bool IsKnown(string type) => Known.Contains(type);

    /// <returns>The type that a client names, under its registered name; null if it names none.</returns>
    public static string? Named(string? type) => type?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        null or "" or Unknown => null,
        "image/jpg" or "image/pjpeg" => "image/jpeg",
        var named => named,
    };

    /// <param name="head">The first <see cref="HeadLength"/> bytes, or the whole file if it is shorter.</param>
    /// <returns>Null for a file that is neither an image nor a PDF. SVG is not an image here: it can contain scripts.</returns>
    public static string? Of(ReadOnlySpan<byte> head) =>
        head.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) ? "image/png"
        : head.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]) ? "image/jpeg"
        : head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8) ? "image/gif"
        : head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..].StartsWith("WEBP"u8) ? "image/webp"
        : head.StartsWith("%PDF-"u8) ? Pdf
        : head.Length >= 16 && head[4..].StartsWith("ftyp"u8) ? OfBrands(head)
        : null;

    /// <summary>AVIF and HEIC are containers of the same format, which lists the formats that its content complies with.</summary>
    private static string? OfBrands(ReadOnlySpan<byte> head)
    {
        for (var at = 8; at + 4 <= head.Length; at += at == 8 ? 8 : 4)
        {
            var brand = head.Slice(at, 4);
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8))
            {
                return "image/avif";
            }

            if (brand.SequenceEqual("heic"u8)
                || brand.SequenceEqual("heix"u8)
                || brand.SequenceEqual("heim"u8)
                || brand.SequenceEqual("heis"u8))
            {
                return "image/heic";
            }
        }

        return null;
    }
}
