using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Shopping;

/// <summary>How a shop's words are put before readers.</summary>
internal static partial class ShopText
{
    /// <summary>Characters of a text with markup that are looked at.</summary>
    private const int LongestMarkup = 20_000;

    /// <returns><c>USD 49.99</c>, or nothing.</returns>
    public static string Price(JsonElement? price) => price is { } of && of.Price("value") is { } value ? Row.Cut($"{of.Text("currency") ?? "USD"} {value}", Row.LongestPrice) : "";

    /// <summary>Without markup, also such as was hidden in entities: what a seller wrote as HTML must not run in a reader's page.</summary>
    public static string? Plain(string? text, int maxLength)
    {
        var plain = Space().Replace(Markup().Replace(WebUtility.HtmlDecode(Cut(text ?? "", LongestMarkup)), " "), " ").Trim();
        return plain.Length == 0 ? null : Cut(plain, maxLength);
    }

    public static string? Joined(string separator, params string?[] parts) => string.Join(separator, parts.OfType<string>()) is { Length: > 0 } joined ? joined : null;

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    [GeneratedRegex(@"<[a-zA-Z/!][^>]*(>|\z)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Markup();

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Space();
}
