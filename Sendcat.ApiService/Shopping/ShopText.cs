using System.Net;
using System.Text.RegularExpressions;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Shopping;

/// <summary>Converts texts of a shop to the plain text that clients show.</summary>
internal static partial class ShopText
{
    /// <summary>Maximum characters of a text with markup that are processed; the rest is truncated.</summary>
    private const int MaxMarkupLength = 20_000;

    /// <summary>
    /// Removes markup, including markup that is encoded as HTML entities: HTML of a seller must not run in a client's page. Whitespace is
    /// collapsed.
    /// </summary>
    /// <param name="maxLength">Maximum characters of the result.</param>
    /// <returns>Null: nothing is left.</returns>
    public static string? Plain(string? text, int maxLength)
    {
        var plain = Space().Replace(Markup().Replace(WebUtility.HtmlDecode(TextLimit.Cut(text ?? "", MaxMarkupLength)), " "), " ").Trim();
        return plain.Length == 0 ? null : TextLimit.Cut(plain, maxLength);
    }

    /// <summary>Joins the parts that are not null; null if there are none.</summary>
    public static string? Joined(string separator, params string?[] parts) =>
        string.Join(separator, parts.OfType<string>()) is { Length: > 0 } joined ? joined : null;

    [GeneratedRegex(@"<[a-zA-Z/!][^>]*(>|\z)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Markup();

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Space();
}
