namespace Sendcat.Reliability.Outbound;

/// <summary>
/// Checks URLs from untrusted sources before they are used as a link or an image for a user, a browser or a model. A valid URL is absolute,
/// has the scheme http or https, has no blanks or control characters, and has at most <see cref="Longest"/> characters. <c>javascript:</c>,
/// <c>data:</c> and relative URLs are invalid.
/// </summary>
public static class WebAddress
{
    /// <summary>Longest URL in characters, a length that browsers support.</summary>
    public const int Longest = 2_048;

    /// <returns>The unchanged text if it is a valid URL, otherwise null.</returns>
    public static string? Of(string? text) =>
        text is { Length: > 0 and <= Longest }
        && !text.AsSpan().ContainsAnyInRange('\0', ' ') && !text.AsSpan().ContainsAnyInRange('\u007F', '\u00A0')
        && Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)
        && address.Host.Length > 0
            ? text
            : null;
}
