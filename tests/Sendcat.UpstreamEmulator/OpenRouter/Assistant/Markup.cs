using System.Text.Json;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>Renders a tool call as text, as models without native tool calls do.</summary>
internal static class Markup
{
    public static string Render(MarkupForm form, ToolCall call) => form switch
    {
        MarkupForm.FunctionCalls =>
            $$"""<function_calls>[{"name":{{Json.Quote(call.Name)}},"arguments":{{call.Arguments}}}]</function_calls>""",
        MarkupForm.DoubleBracket when call.Name == "search_web" => $"[[SEARCH: {Query(call)}]]",
        MarkupForm.DoubleBracket or MarkupForm.Bracket => $"[{call.Name}: \"{Query(call)}\"]",
        MarkupForm.MinimaxEscaped => Minimax(call).Replace("\"", "\\\"", StringComparison.Ordinal),
        _ => Minimax(call),
    };

    private static string Minimax(ToolCall call)
    {
        using var arguments = JsonDocument.Parse(call.Arguments);
        var parameters = arguments.RootElement.EnumerateObject().Select(p => $"<parameter name=\"{p.Name}\">{p.Value}</parameter>");
        return $"<minimax:tool_call><invoke name=\"{call.Name}\">{string.Concat(parameters)}</invoke></minimax:tool_call>";
    }

    private static string Query(ToolCall call)
    {
        using var arguments = JsonDocument.Parse(call.Arguments);
        return arguments.RootElement.ValueKind == JsonValueKind.Object && arguments.RootElement.TryGetProperty("query", out var query)
            ? query.ToString()
            : "";
    }
}
