using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Rules that reject text from clients. Postgres stores neither NUL characters nor halves of surrogate pairs; text that cannot be rejected
/// is repaired by <see cref="StorableText"/>.
/// </summary>
internal static class StoredText
{
    /// <summary>True for null, and for text of at most <paramref name="maxLength"/> characters without NUL.</summary>
    public static bool Fits(string? text, int maxLength) =>
        text is null || (text.Length <= maxLength && !text.Contains('\0', StringComparison.Ordinal));

    /// <summary>True for text that is not blank and <see cref="Fits"/>.</summary>
    public static bool HasText(string? text, int maxLength) => !string.IsNullOrWhiteSpace(text) && Fits(text, maxLength);
}
