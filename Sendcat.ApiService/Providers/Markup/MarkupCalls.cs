using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.Markup;

/// <summary>Parses the tool calls in the content of a markup block. Content that cannot be parsed yields no call.</summary>
internal static class MarkupCalls
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static List<(string Name, string ArgumentsJson)> Read(MarkupBlock block, string inside) => block switch
    {
        MarkupBlock.DoubleBracket => Query(QueuedTool.SearchWeb.Name, inside.TrimEnd(']')),
        MarkupBlock.SearchWeb => Query(QueuedTool.SearchWeb.Name, inside.TrimEnd()[..^1]),
        MarkupBlock.SearchProducts => Query(QueuedTool.SearchProducts.Name, inside.TrimEnd()[..^1]),
        MarkupBlock.FunctionCalls when JsonCalls(inside) is { Count: > 0 } calls => calls,
        MarkupBlock.FunctionCalls or MarkupBlock.MiniMax => Invokes(Unescaped(inside)),
        _ => [],
    };

    /// <summary>
    /// True if the closing bracket at the end of <paramref name="inside"/> ends the block. A bracket inside an open quoted query does not
    /// end it, and a double-bracket block ends only at the second bracket.
    /// </summary>
    public static bool BracketEnds(MarkupBlock block, ReadOnlySpan<char> inside)
    {
        if (block == MarkupBlock.DoubleBracket)
        {
            return inside.EndsWith("]]");
        }

        var query = inside[..^1].Trim();
        var quote = OpeningQuote(query);
        return quote.IsEmpty || (query.Length >= 2 * quote.Length && query.EndsWith(quote));
    }

    private static ReadOnlySpan<char> OpeningQuote(ReadOnlySpan<char> query) =>
        query.StartsWith("\\\"") ? "\\\"" : query.StartsWith("\"") ? "\"" : query.StartsWith("'") ? "'" : default;

    private static List<(string Name, string ArgumentsJson)> Query(string tool, string inside)
    {
        var query = inside.AsSpan().Trim();
        var quote = OpeningQuote(query);
        if (!quote.IsEmpty && query.Length >= 2 * quote.Length && query.EndsWith(quote))
        {
            query = query[quote.Length..^quote.Length].Trim();
        }

        return query.IsEmpty ? [] : [(tool, Json(new JsonObject { ["query"] = query.ToString() }))];
    }

    /// <summary>
    /// One call or an array of calls, in any of the JSON shapes that models write. Code fences around the JSON are ignored.
    /// </summary>
    private static List<(string Name, string ArgumentsJson)> JsonCalls(string inside)
    {
        var start = inside.AsSpan().IndexOfAny('{', '[');
        var end = inside.AsSpan().LastIndexOfAny('}', ']');
        if (start < 0 || end < start)
        {
            return [];
        }

        try
        {
            using var json = JsonDocument.Parse(inside.AsMemory(start, end + 1 - start));
            var root = json.RootElement;
            return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray().SelectMany(JsonCall)] : [.. JsonCall(root)];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static IEnumerable<(string Name, string ArgumentsJson)> JsonCall(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        if (call.TryGetPart("function", out var function) && function.ValueKind == JsonValueKind.Object)
        {
            call = function;
        }

        if (Member(call, "name", "tool", "tool_name", "function") is { ValueKind: JsonValueKind.String } name
            && LenientJsonString.ReadWellFormed(name) is { Length: > 0 } tool)
        {
            yield return (tool, Member(call, "arguments", "parameters", "args", "input") switch
            {
                { ValueKind: JsonValueKind.Object } arguments => arguments.GetRawText(),
                { ValueKind: JsonValueKind.String } arguments =>
                    LenientJsonString.ReadWellFormed(arguments) is { Length: > 0 } text ? text : "{}",
                _ => "{}",
            });
        }
    }

    private static JsonElement? Member(JsonElement call, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (call.TryGetPart(name, out var member))
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>
    /// Parses <c>&lt;invoke name="tool"&gt;&lt;parameter name="p"&gt;value&lt;/parameter&gt;…&lt;/invoke&gt;</c>. The last end tag may be
    /// missing.
    /// </summary>
    private static List<(string Name, string ArgumentsJson)> Invokes(string inside)
    {
        var calls = new List<(string Name, string ArgumentsJson)>();
        var at = 0;
        while (Element(inside, "invoke", ref at) is { Name.Length: > 0 } invoke)
        {
            var arguments = new JsonObject();
            var inner = 0;
            while (Element(invoke.Content, "parameter", ref inner) is { Name.Length: > 0 } parameter)
            {
                arguments[parameter.Name] = Value(parameter.Content);
            }

            calls.Add((invoke.Name, Json(arguments)));
        }

        return calls;
    }

    /// <summary>Removes the backslash before every quote: some models write the whole block as if it were inside a JSON string.</summary>
    private static string Unescaped(string inside) =>
        inside.Contains("=\\\"", StringComparison.Ordinal) ? inside.Replace("\\\"", "\"", StringComparison.Ordinal) : inside;

    private static (string Name, string Content)? Element(string text, string tag, ref int at)
    {
        var open = text.IndexOf($"<{tag}", at, StringComparison.OrdinalIgnoreCase);
        var openEnd = open < 0 ? -1 : text.IndexOf('>', open);
        if (openEnd < 0)
        {
            return null;
        }

        var close = text.IndexOf($"</{tag}>", openEnd, StringComparison.OrdinalIgnoreCase);
        var contentEnd = close < 0 ? text.Length : close;
        at = close < 0 ? text.Length : close + tag.Length + 3;
        return (NameOf(text.AsSpan(open + tag.Length + 1, openEnd - open - tag.Length - 1)), text[(openEnd + 1)..contentEnd]);
    }

    /// <summary>The value of the attribute <c>name</c>, with double, single or no quotes; empty if there is none.</summary>
    private static string NameOf(ReadOnlySpan<char> attributes)
    {
        var at = attributes.IndexOf("name", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return "";
        }

        var value = attributes[(at + 4)..].TrimStart().TrimStart('=').TrimStart();
        if (value is ['"' or '\'', ..])
        {
            var end = value[1..].IndexOf(value[0]);
            return end < 0 ? "" : WebUtility.HtmlDecode(value.Slice(1, end).Trim().ToString());
        }

        var space = value.IndexOfAny(" \t\r\n/");
        return (space < 0 ? value : value[..space]).ToString();
    }

    /// <summary>
    /// Only arrays and objects are parsed as JSON. Everything else stays text, also numbers, because a query may be a number.
    /// </summary>
    private static JsonNode? Value(string content)
    {
        var text = WebUtility.HtmlDecode(content.Trim());
        if (text is ['{' or '[', ..])
        {
            try
            {
                return JsonNode.Parse(text);
            }
            catch (JsonException)
            {
                // The value is text that begins with a bracket.
            }
        }

        return text;
    }

    private static string Json(JsonObject arguments) => arguments.ToJsonString(Relaxed);
}
