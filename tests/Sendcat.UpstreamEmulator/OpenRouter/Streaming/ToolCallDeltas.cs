using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Assistant;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>Renders tool calls as the fragments that providers stream, with the known variations of ids, names and indexes.</summary>
internal static class ToolCallDeltas
{
    /// <summary>The values of <c>delta.tool_calls</c>, one per data event.</summary>
    public static IEnumerable<string> Of(IReadOnlyList<ToolCall> calls, Directions directions)
    {
        var fragments = calls.Select((call, n) => Fragments(call, Index(n, directions.ToolIndex), directions)).ToList();
        return directions.ToolsInterleaved
            ? Enumerable.Range(0, fragments.Max(f => f.Count)).SelectMany(i => fragments.Where(f => i < f.Count).Select(f => f[i]))
            : fragments.SelectMany(f => f);
    }

    private static List<string> Fragments(ToolCall call, string index, Directions directions)
    {
        var pieces = Pieces.Exactly(call.Arguments, directions.ToolFragments);
        if (directions.ToolFragments > 1)
        {
            pieces.Insert(0, ""); // as in recorded streams: the first fragment contains the name, the arguments follow
        }

        return [.. pieces.Select((arguments, i) => Fragment(call, index, arguments, i, i == pieces.Count - 1, directions))];
    }

    private static string Fragment(ToolCall call, string index, string arguments, int i, bool last, Directions directions)
    {
        var id = directions.ToolIds switch
        {
            ToolIds.Missing => null,
            ToolIds.Late => last ? call.Id : null,
            ToolIds.EmptyLater => i == 0 ? call.Id : "",
            ToolIds.Repeat => call.Id,
            _ => i == 0 ? call.Id : null,
        };
        var name = directions.ToolNames switch
        {
            ToolNames.EmptyLater => i == 0 ? call.Name : "",
            ToolNames.Repeat => call.Name,
            ToolNames.Late => last ? call.Name : null,
            _ => i == 0 ? call.Name : null,
        };
        var head = $"{index}{(id is null ? "" : $"\"id\":{Json.Quote(id)},")}{(id is null && i > 0 ? "" : "\"type\":\"function\",")}";
        return $"[{{{head}\"function\":{{{(name is null ? "" : $"\"name\":{Json.Quote(name)},")}\"arguments\":{Json.Quote(arguments)}}}}}]";
    }

    private static string Index(int n, ToolIndex shape) => shape switch
    {
        ToolIndex.Missing => "",
        ToolIndex.Gap => string.Create(CultureInfo.InvariantCulture, $"\"index\":{(n * 2) + 1},"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\"index\":{n},"),
    };
}
