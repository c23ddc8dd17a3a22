using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Reads the arguments of a tool call leniently. Models write numbers as text, prices with currency signs and words, single values in an
/// array, or invalid values. A value that cannot be parsed counts as missing, so in the worst case a search is wider than intended.
/// </summary>
internal sealed partial class ToolArguments
{
    /// <summary>Maximum characters of a text, more than any query that a shop accepts.</summary>
    private const int MaxTextLength = 256;

    /// <summary>Higher prices are reduced to this value.</summary>
    private const decimal MaxPrice = 10_000_000;

    private readonly JsonElement _arguments;

    private ToolArguments(JsonElement arguments) => _arguments = arguments;

    /// <param name="json">A JSON object.</param>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static ToolArguments Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new(document.RootElement.Clone());
    }

    /// <summary>
    /// The text, trimmed, with single spaces, without control characters and with at most 256 characters. The values of an array are
    /// joined. Null if nothing is left.
    /// </summary>
    public string? Text(string name)
    {
        var words = string.Join(' ', Values(name).Select(TextOf))
            .Split(default(char[]), StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var text = TextLimit.Cut(string.Join(' ', words), MaxTextLength).TrimEnd();
        return text.Length == 0 ? null : text;
    }

    /// <summary>
    /// The first value that is one of the allowed words. Case is ignored, and spaces and hyphens count as underscores: <c>Open-Box</c> is
    /// <c>open_box</c>. Null if there is none.
    /// </summary>
    public string? OneOf(string name, params string[] allowed) =>
        Values(name)
            .Select(value => TextOf(value).Trim().ToLowerInvariant().Replace(' ', '_').Replace('-', '_'))
            .FirstOrDefault(allowed.Contains);

    /// <summary>The number, rounded and clamped to the range; <paramref name="fallback"/> if there is none.</summary>
    public int Count(string name, int min, int max, int fallback) =>
        Number(name) is { } number ? (int)Math.Clamp(Math.Round(number, MidpointRounding.AwayFromZero), min, max) : fallback;

    /// <summary>
    /// An amount above zero, rounded to two decimals: <c>60</c>, <c>"$1,200.50"</c>, <c>"USD 1.200,50"</c>, <c>"60 dollars"</c>. Null if
    /// there is none.
    /// </summary>
    public decimal? Price(string name) =>
        // The division removes trailing zeros (60.00 becomes 60), so that equal prices have the same text.
        Number(name) is { } number && Math.Round(Math.Min(number, MaxPrice), 2) is > 0 and var price ? price / 1.000000000000000000m : null;

    /// <summary>An id of at most 20 digits, as eBay's ids are; null if there is none.</summary>
    public string? Id(string name) => Text(name) is { Length: <= 20 } id && id.All(char.IsAsciiDigit) ? id : null;

    private decimal? Number(string name)
    {
        foreach (var value in Values(name))
        {
            if (value.ValueKind == JsonValueKind.Number)
            {
                return value.TryGetDecimal(out var number) ? number : value.GetDouble() > 0 ? decimal.MaxValue : decimal.MinValue;
            }

            if (Figures().Match(TextOf(value)) is { Success: true } match && Parse(match.Value) is { } parsed)
            {
                return parsed;
            }
        }

        return null;
    }

    /// <summary>
    /// The last point or comma is the decimal separator if one or two digits follow it, or if it is a point and the only separator. All
    /// others separate thousands.
    /// </summary>
    private static decimal? Parse(string figures)
    {
        var last = figures.AsSpan().LastIndexOfAny('.', ',');
        var after = figures.Length - last - 1;
        var isDecimalPoint = last >= 0 && (after is 1 or 2 || (figures[last] == '.' && figures.Count(c => c is '.' or ',') == 1));
        var plain = new StringBuilder(figures.Length);
        for (var i = 0; i < figures.Length; i++)
        {
            if (figures[i] is not ('.' or ',') || (i == last && isDecimalPoint))
            {
                plain.Append(figures[i] == ',' ? '.' : figures[i]);
            }
        }

        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;
        return decimal.TryParse(plain.ToString(), Style, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>
    /// The value, or the values of an array. The comparison of names ignores case and underscores, because models also write
    /// <c>max_price</c>.
    /// </summary>
    private IEnumerable<JsonElement> Values(string name)
    {
        var found = _arguments.EnumerateObject()
            .FirstOrDefault(member => IsNamed(member, name)).Value;
        return found.ValueKind switch
        {
            JsonValueKind.Array => found.EnumerateArray().Where(IsPlain),
            _ when IsPlain(found) => [found],
            _ => [],
        };
    }

    private static bool IsNamed(JsonProperty member, string name) =>
        LenientJsonString.ReadWellFormedName(member)?.Replace("_", "", StringComparison.Ordinal)
            .Equals(name, StringComparison.OrdinalIgnoreCase) is true;

    private static bool IsPlain(JsonElement value) => value.ValueKind is JsonValueKind.String or JsonValueKind.Number;

    private static string TextOf(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.String ? LenientJsonString.ReadWellFormed(value) ?? "" : value.GetRawText();
        return string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
    }

    [GeneratedRegex(@"-?(\d[\d.,]*|\.\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Figures();
}
