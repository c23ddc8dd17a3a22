using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sendcat.Reliability.Outbound;

/// <summary>Reads untrusted JSON: a property that is missing or has another kind is null.</summary>
public static partial class UpstreamJson
{
    public static JsonElement? Part(this JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var part) && part.ValueKind is not JsonValueKind.Null ? part : null;

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.Part(name) is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : [];

    /// <summary>
    /// The first property of the names that has a text that is not blank, or a number. The text is trimmed, without characters that
    /// Postgres cannot store: U+0000 and lone surrogates.
    /// </summary>
    public static string? Text(this JsonElement element, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            var text = element.Part(name) switch
            {
                { ValueKind: JsonValueKind.String } part => StringOf(part).Replace("\0", "", StringComparison.Ordinal).Trim(),
                { ValueKind: JsonValueKind.Number } part => part.GetRawText(),
                _ => "",
            };
            if (text.Length > 0)
            {
                return text;
            }
        }

        return null;
    }

    public static double? Number(this JsonElement element, params ReadOnlySpan<string> names) =>
        double.TryParse(element.Text(names), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    public static int? Count(this JsonElement element, params ReadOnlySpan<string> names) =>
        element.Number(names) is >= 0 and <= int.MaxValue and var number ? (int)number : null;

    private static string StringOf(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate: JSON can escape it, but .NET does not decode it.
            using var whole = JsonDocument.Parse(Escapes().Replace(text.GetRawText(), "${kept}"));
            return whole.RootElement.GetString()!;
        }
    }

    /// <summary>Matches each escape of a JSON text. The group <c>kept</c> is empty only for a lone surrogate.</summary>
    [GeneratedRegex(
        @"(?<kept>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u]|\\u(?![dD][89a-fA-F]))|\\u[0-9a-fA-F]{4}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Escapes();
}
