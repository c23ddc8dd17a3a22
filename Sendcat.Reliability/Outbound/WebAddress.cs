namespace Sendcat.Reliability.Outbound;

/// <summary>
/// What may be a link or a picture in front of a user, a browser or a model, wherever the address came from: absolute, http or https, without blanks and control characters, and of a length that browsers
/// take. <c>javascript:</c>, <c>data:</c> and relative addresses are none.
/// </summary>
public static class WebAddress
{
    public const int Longest = 2_048;

    /// <returns>The address as it was spelled, or null.</returns>
    public static string? Of(string? text) =>
        text is { Length: > 0 and <= Longest }
        && !text.AsSpan().ContainsAnyInRange('\0', ' ') && !text.AsSpan().ContainsAnyInRange('\u007F', '\u00A0')
        && Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)
        && address.Host.Length > 0
            ? text
            : null;
}
