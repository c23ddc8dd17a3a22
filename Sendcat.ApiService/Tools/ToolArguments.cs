using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sendcat.ApiService.Tools;

/// <summary>
/// Arguments as models write them: numbers as text, prices with signs and words, one value in an array, nonsense. What cannot be understood counts as not given, so that a search is
/// at worst wider than was meant.
/// </summary>
internal sealed partial class ToolArguments
{
    /// <summary>Characters of a text; enough for every question that a shop takes.</summary>
    private const int LongestText = 256;

    private const decimal MostMoney = 10_000_000;

    private readonly JsonElement arguments;

    private ToolArguments(JsonElement arguments) => this.arguments = arguments;

    /// <param name="json">A JSON object.</param>
    public static ToolArguments Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new(document.RootElement.Clone());
    }

    /// <summary>Trimmed, in single spaces, without control characters, at most 256 characters; null if nothing is left. The words of an array are one text.</summary>
    public string? Text(string name)
    {
        var words = string.Join(' ', Values(name).Select(Said)).Split(default(char[]), StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var text = Cut(string.Join(' ', words));
        return text.Length == 0 ? null : text;
    }

    /// <summary>One of the allowed words, however it is written: <c>Open-Box</c> is <c>open_box</c>.</summary>
    public string? Word(string name, params string[] allowed) =>
        Values(name).Select(value => Said(value).Trim().ToLowerInvariant().Replace(' ', '_').Replace('-', '_')).FirstOrDefault(allowed.Contains);

    /// <summary>Rounded and moved into the range.</summary>
    public int Count(string name, int least, int most, int otherwise) =>
        Number(name) is { } number ? (int)Math.Clamp(Math.Round(number, MidpointRounding.AwayFromZero), least, most) : otherwise;

    /// <summary>An amount above zero, in cents: <c>60</c>, <c>"$1,200.50"</c>, <c>"USD 1.200,50"</c>, <c>"60 dollars"</c>.</summary>
    public decimal? Price(string name) =>
        // Divided, 60.00 becomes 60: prices that are the same look the same.
        Number(name) is { } number && Math.Round(Math.Min(number, MostMoney), 2) is > 0 and var price ? price / 1.000000000000000000m : null;

    /// <summary>Digits only, as eBay's ids are.</summary>
    public string? Id(string name) => Text(name) is { Length: <= 20 } id && id.All(char.IsAsciiDigit) ? id : null;

    private decimal? Number(string name)
    {
        foreach (var value in Values(name))
        {
            if (value.ValueKind == JsonValueKind.Number)
            {
                return value.TryGetDecimal(out var number) ? number : value.GetDouble() > 0 ? decimal.MaxValue : decimal.MinValue;
            }

            if (Figures().Match(Said(value)) is { Success: true } match && Parse(match.Value) is { } said)
            {
                return said;
            }
        }

        return null;
    }

    /// <summary>The last point or comma divides cents if one or two digits follow it, or if it is a lone point; all others group thousands.</summary>
    private static decimal? Parse(string figures)
    {
        var last = figures.AsSpan().LastIndexOfAny('.', ',');
        var after = figures.Length - last - 1;
        var isDivider = last >= 0 && (after is 1 or 2 || (figures[last] == '.' && figures.Count(c => c is '.' or ',') == 1));
        var plain = new StringBuilder(figures.Length);
        for (var i = 0; i < figures.Length; i++)
        {
            if (figures[i] is not ('.' or ',') || (i == last && isDivider))
            {
                plain.Append(figures[i] == ',' ? '.' : figures[i]);
            }
        }

        return decimal.TryParse(plain.ToString(), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>The value, or those of an array; names are compared loosely, as models do (<c>max_price</c>).</summary>
    private IEnumerable<JsonElement> Values(string name)
    {
        var found = arguments.EnumerateObject().FirstOrDefault(member => Loosely(member.Name).Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
        return found.ValueKind switch
        {
            JsonValueKind.Array => found.EnumerateArray().Where(IsPlain),
            _ when IsPlain(found) => [found],
            _ => [],
        };
    }

    private static string Loosely(string name) => name.Replace("_", "", StringComparison.Ordinal);

    private static bool IsPlain(JsonElement value) => value.ValueKind is JsonValueKind.String or JsonValueKind.Number;

    private static string Said(JsonElement value)
    {
        try
        {
            var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
            return string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which is no text.
            return "";
        }
    }

    private static string Cut(string text) =>
        text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)].TrimEnd();

    [GeneratedRegex(@"-?(\d[\d.,]*|\.\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Figures();
}
