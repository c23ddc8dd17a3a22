using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sendcat.Reliability.UntrustedText;

/// <summary>
/// Repairs text from outside that Postgres cannot store: NUL characters, and lone surrogates, which are halves of a surrogate pair without
/// the other half.
/// </summary>
public static class StorableText
{
    /// <summary>True for a half of a surrogate pair without the other half next to it.</summary>
    public static bool IsLoneSurrogate(ReadOnlySpan<char> text, int index) =>
        char.IsHighSurrogate(text[index]) ? index + 1 == text.Length || !char.IsLowSurrogate(text[index + 1])
        : char.IsLowSurrogate(text[index]) && (index == 0 || !char.IsHighSurrogate(text[index - 1]));

    /// <summary>
    /// For text that cannot be requested again and is kept as it is otherwise: removes NUL, and replaces each lone surrogate by U+FFFD.
    /// </summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Sanitize(string? text)
    {
        var withoutNul = text?.Replace("\0", "", StringComparison.Ordinal);

        // The encoder writes U+FFFD for what it cannot encode.
        return HasSurrogate(withoutNul) ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(withoutNul!)) : withoutNul;
    }

    /// <summary>The same for JSON of System.Text.Json, which writes NUL as an escape sequence.</summary>
    [return: NotNullIfNotNull(nameof(json))]
    public static string? SanitizeJson(string? json)
    {
        var sanitized = Sanitize(json);

        // The text contains no NUL now, so NUL can mark escaped backslashes for a moment: @"\\u0000" is a backslash and the text u0000, not
        // an escaped NUL.
        return sanitized is not null && sanitized.Contains(@"\u0000", StringComparison.Ordinal)
            ? sanitized.Replace(@"\\", "\0", StringComparison.Ordinal).Replace(@"\u0000", "", StringComparison.Ordinal)
                .Replace("\0", @"\\", StringComparison.Ordinal)
            : sanitized;
    }

    /// <summary>For text that is shown in one line: removes NUL and each lone surrogate.</summary>
    public static string Strip(string text)
    {
        var withoutNul = text.Replace("\0", "", StringComparison.Ordinal);
        return HasSurrogate(withoutNul) ? string.Concat(withoutNul.Where((_, index) => !IsLoneSurrogate(withoutNul, index))) : withoutNul;
    }

    private static bool HasSurrogate(string? text) => text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
}
