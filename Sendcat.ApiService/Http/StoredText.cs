using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>Rules for text that ends in Postgres, which knows no NUL character and no half of a surrogate pair.</summary>
internal static class StoredText
{
    public static bool Fits(string? text, int maxLength) => text is null || (text.Length <= maxLength && !text.Contains('\0', StringComparison.Ordinal));

    /// <summary>Not blank, no longer than <paramref name="maxLength"/> characters, storable.</summary>
    public static bool Says(string? text, int maxLength) => !string.IsNullOrWhiteSpace(text) && Fits(text, maxLength);

    /// <summary>Text that nobody can be asked to send again, as Postgres takes it: without NUL, and with U+FFFD for a half that stands alone.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Kept(string? text)
    {
        var whole = text?.Replace("\0", "", StringComparison.Ordinal);

        // The encoder writes U+FFFD for what it cannot encode.
        return whole.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(whole!)) : whole;
    }

    /// <summary>The same for JSON of our serializer, which writes NUL as an escape.</summary>
    [return: NotNullIfNotNull(nameof(json))]
    public static string? KeptJson(string? json)
    {
        var kept = Kept(json);

        // NUL is free to stand for an escaped backslash meanwhile, which four digits may follow as they are.
        return kept is not null && kept.Contains(@"\u0000", StringComparison.Ordinal)
            ? kept.Replace(@"\\", "\0", StringComparison.Ordinal).Replace(@"\u0000", "", StringComparison.Ordinal).Replace("\0", @"\\", StringComparison.Ordinal)
            : kept;
    }
}
