using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>Rules for text that is stored in Postgres, which accepts neither NUL characters nor halves of surrogate pairs.</summary>
internal static class StoredText
{
    /// <summary>True for null, and for text of at most <paramref name="maxLength"/> characters without NUL.</summary>
    public static bool Fits(string? text, int maxLength) =>
        text is null || (text.Length <= maxLength && !text.Contains('\0', StringComparison.Ordinal));

    /// <summary>True for text that is not blank and <see cref="Fits"/>.</summary>
    public static bool HasText(string? text, int maxLength) => !string.IsNullOrWhiteSpace(text) && Fits(text, maxLength);

    /// <summary>
    /// Makes text storable that cannot be requested again: removes NUL, and replaces each half of a surrogate pair by U+FFFD.
    /// </summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Sanitize(string? text)
    {
        var withoutNul = text?.Replace("\0", "", StringComparison.Ordinal);

        // The encoder writes U+FFFD for what it cannot encode.
        return withoutNul.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(withoutNul!)) : withoutNul;
    }

    /// <summary>The same for JSON of System.Text.Json, which writes NUL as an escape sequence.</summary>
    [return: NotNullIfNotNull(nameof(json))]
    public static string? SanitizeJson(string? json)
    {
        var sanitized = Sanitize(json);

        // The text contains no NUL now, so NUL can mark escaped backslashes for a moment: @"\\u0000" is a backslash and the text u0000, not
        // an escaped NUL.
        return sanitized is not null && sanitized.Contains(@"\u0000", StringComparison.Ordinal)
            ? sanitized.Replace(@"\\", "\0", StringComparison.Ordinal).Replace(@"\u0000", "", StringComparison.Ordinal).Replace("\0", @"\\", StringComparison.Ordinal)
            : sanitized;
    }
}
