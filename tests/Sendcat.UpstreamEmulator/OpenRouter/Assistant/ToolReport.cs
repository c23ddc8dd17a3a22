using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>The answer after tool calls. It repeats the tool results, so a test finds its own result in the answer.</summary>
internal static partial class ToolReport
{
    private const int MaxLength = 400;

    public static string Of(IEnumerable<ToolResult> results) => string.Join(' ', results.Select(One));

    private static string One(ToolResult result) => result.Name switch
    {
        "get_current_time" => $"Right now it is {result.Content.Trim()}.",
        _ when Titles(result.Content) is { Count: > 0 } titles =>
            $"I found {titles.Count.ToString(CultureInfo.InvariantCulture)} results. The first ones are "
            + $"{string.Join("; ", titles.Take(3))}.",
        _ when Lines(result.Content) is { Count: > 0 } lines =>
            $"I found {lines.Count.ToString(CultureInfo.InvariantCulture)} results. The first ones are {string.Join("; ", lines.Take(3))}.",
        "" => $"The tool answered: {Shorten(result.Content)}",
        _ => $"{result.Name} answered: {Shorten(result.Content)}",
    };

    /// <summary>
    /// The titles, with prices where present, of a list in a JSON result. The list is the root or the first array property of the root.
    /// </summary>
    private static List<string> Titles(string content)
    {
        try
        {
            using var json = JsonDocument.Parse(content);
            var list = json.RootElement.ValueKind == JsonValueKind.Object
                ? json.RootElement.EnumerateObject().Select(p => p.Value).FirstOrDefault(v => v.ValueKind == JsonValueKind.Array)
                : json.RootElement;
            return list.ValueKind != JsonValueKind.Array ? [] : [.. list.EnumerateArray().Select(Title).OfType<string>()];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static string? Title(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object
            || !item.TryGetProperty("title", out var title)
            || title.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        return item.TryGetProperty("price", out var price) && price.ValueKind is JsonValueKind.String or JsonValueKind.Number
            ? $"{title.GetString()} ({price})"
            : title.GetString();
    }

    /// <summary>The items of a plain-text list, one per line: <c>1. Kettle</c> or <c>- Kettle</c>.</summary>
    private static List<string> Lines(string content) => [.. ListLine().Matches(content).Select(line => line.Groups["item"].Value.Trim())];

    private static string Shorten(string text) =>
        text.Trim() is { Length: > MaxLength } trimmed ? $"{string.Concat(trimmed.EnumerateRunes().Take(MaxLength))}…" : text.Trim();

    [GeneratedRegex(
        @"^\s*(?:\d{1,2}[.)]|[-*•])\s+(?<item>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ListLine();
}
