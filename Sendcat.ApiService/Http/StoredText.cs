namespace Sendcat.ApiService.Http;

/// <summary>Rules for text that ends in Postgres, which knows no NUL character.</summary>
internal static class StoredText
{
    public static bool Fits(string? text, int maxLength) => text is null || (text.Length <= maxLength && !text.Contains('\0', StringComparison.Ordinal));

    /// <summary>Not blank, no longer than <paramref name="maxLength"/> characters, storable.</summary>
    public static bool Says(string? text, int maxLength) => !string.IsNullOrWhiteSpace(text) && Fits(text, maxLength);
}
