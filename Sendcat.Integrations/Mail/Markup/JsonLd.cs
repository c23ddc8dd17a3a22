using System.Text.Json;
using AngleSharp.Dom;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.Integrations.Mail.Markup;

/// <summary>Reads <c>&lt;script type="application/ld+json"&gt;</c>. Text that is no JSON is left out.</summary>
internal static class JsonLd
{
    private const int LongestScript = 262_144;
    private const int MostScripts = 20;

    private static readonly JsonDocumentOptions Lenient =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 24 };

    public static IEnumerable<MarkupItem> Read(IDocument document) =>
        document.QuerySelectorAll("script").Where(IsJsonLd).Take(MostScripts).SelectMany(script => Read(script.TextContent));

    public static IReadOnlyList<MarkupItem> Read(string json)
    {
        json = Unwrapped(json);
        if (json.Length > LongestScript)
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(json, Lenient);
            var budget = new MarkupBudget();
            return [.. Roots(document.RootElement, budget)];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static bool IsJsonLd(IElement script) =>
        script.GetAttribute("type")?.Trim().StartsWith("application/ld+json", StringComparison.OrdinalIgnoreCase) is true;

    private static IEnumerable<MarkupItem> Roots(JsonElement element, MarkupBudget budget) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Roots(item, budget)),
        JsonValueKind.Object when element.TryGetPart("@graph", out var graph) => Roots(graph, budget),
        JsonValueKind.Object when Item(element, budget) is { } item => [item],
        _ => [],
    };

    private static MarkupItem? Item(JsonElement element, MarkupBudget budget)
    {
        if (!budget.Take())
        {
            return null;
        }

        var types = new List<string>();
        var properties = new Dictionary<string, IReadOnlyList<MarkupValue>>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            var name = LenientJsonString.ReadWellFormedName(property);
            if (name is "@type" or "type")
            {
                types.AddRange(Values(property.Value, budget).Select(value => value.Text).OfType<string>().Select(MarkupBudget.TypeName));
            }
            else if (name?.StartsWith('@') is false)
            {
                properties.TryAdd(name, [.. Values(property.Value, budget)]);
            }
        }

        return new(types, properties);
    }

    private static IEnumerable<MarkupValue> Values(JsonElement element, MarkupBudget budget) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().Take(200).SelectMany(value => Values(value, budget)),
        JsonValueKind.Object => Item(element, budget) is { } item ? [new(null, item)] : [],
        JsonValueKind.String => [new(MarkupBudget.Limited(StorableText.Strip(LenientJsonString.Read(element))), null)],
        JsonValueKind.Number => [new(element.GetRawText(), null)],
        _ => [],
    };

    /// <summary>Some senders wrap the JSON in a comment or in CDATA.</summary>
    private static string Unwrapped(string json)
    {
        json = json.Trim();
        foreach (var (open, close) in ((string, string)[])[("<!--", "-->"), ("<![CDATA[", "]]>"), ("//<![CDATA[", "//]]>")])
        {
            if (json.StartsWith(open, StringComparison.Ordinal))
            {
                json = json[open.Length..].Trim();
                json = json.EndsWith(close, StringComparison.Ordinal) ? json[..^close.Length].Trim() : json;
            }
        }

        return json;
    }
}

/// <summary>How many items one source may have, and the longest text of a value.</summary>
internal sealed class MarkupBudget
{
    private const int LongestText = 400;

    private int _left = 500;

    public bool Take() => _left-- > 0;

    public static string Limited(string text) => TextLimit.Cut(text, LongestText);

    /// <summary><c>http://schema.org/Order</c> and <c>schema:Order</c> are <c>Order</c>.</summary>
    public static string TypeName(string type) => type[(type.LastIndexOfAny(['/', '#', ':']) + 1)..];
}
