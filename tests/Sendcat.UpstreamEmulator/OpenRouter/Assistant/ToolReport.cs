using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>The answer after tools ran: it says what they said, so that a test sees its own result come back.</summary>
internal static partial class ToolReport
{
    private const int Longest = 400;

    public static string Of(IEnumerable<ToolResult> results) => string.Join(' ', results.Select(One));

    private static string One(ToolResult result) => result.Name switch
    {
        "get_current_time" => $"Right now it is {result.Content.Trim()}.",
        _ when Titles(result.Content) is { Count: > 0 } titles => $"I found {titles.Count.ToString(CultureInfo.InvariantCulture)} results. The first ones are {string.Join("; ", titles.Take(3))}.",
        _ when Lines(result.Content) is { Count: > 0 } lines => $"I found {lines.Count.ToString(CultureInfo.InvariantCulture)} results. The first ones are {string.Join("; ", lines.Take(3))}.",
        "" => $"The tool answered: {Shorten(result.Content)}",
        _ => $"{result.Name} answered: {Shorten(result.Content)}",
    };

    /// <summary>Titles, with prices where there are any, of a list of objects anywhere near the top of a JSON result.</summary>
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
        if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("title", out var title) || title.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        return item.TryGetProperty("price", out var price) && price.ValueKind is JsonValueKind.String or JsonValueKind.Number ? $"{title.GetString()} ({price})" : title.GetString();
    }

    /// <summary>What a list in plain text lists, one a line: <c>1. Kettle</c> or <c>- Kettle</c>.</summary>
    private static List<string> Lines(string content) => [.. ListLine().Matches(content).Select(line => line.Groups["item"].Value.Trim())];

    private static string Shorten(string text) => text.Trim() is { Length: > Longest } trimmed ? $"{string.Concat(trimmed.EnumerateRunes().Take(Longest))}…" : text.Trim();

    [GeneratedRegex(@"^\s*(?:\d{1,2}[.)]|[-*•])\s+(?<item>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ListLine();
}
