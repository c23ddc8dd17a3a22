using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>Creates the answer of the model: the one that the directions request, else the answer of a shopping assistant.</summary>
internal static class ShoppingAssistant
{
    /// <summary>The approximate number of chunks of an answer that no marker changes.</summary>
    private const int DefaultPieces = 28;

    private static int _callNumber = Random.Shared.Next(1 << 24);

    public static Answer Reply(ChatCompletionRequest request, string prompt, Directions directions)
    {
        var calls = Calls(request, prompt, directions);
        var content = calls.Count == 0 ? Content(request, prompt, directions) : TextBeforeCalls(directions);
        if (calls.Count > 0 && directions.Markup != MarkupForm.None)
        {
            // Chunks of five characters spread the markup over many chunks. A reader must not show the words after the markup.
            var markup = string.Concat(calls.Select(c => Markup.Render(directions.Markup, c)));
            content = [.. content, .. Pieces.OfLength($"Let me look that up. {markup} I will wait for the results.", 5)];
            calls = [];
        }

        var reasoning = directions.ReasoningChunks > 0 ? Pieces.Exactly(ShoppingTexts.Reasoning(prompt), directions.ReasoningChunks) : [];
        return directions.ReasoningAs == ReasoningShape.Think && reasoning.Count > 0
            ? new([], ["<think>", .. reasoning, "</think>", .. content], calls)
            : new(reasoning, content, calls);
    }

    private static List<string> TextBeforeCalls(Directions directions) =>
        directions.Say is { } say ? Pieces.OfWords(say, DefaultPieces) : [];

    private static List<string> Content(ChatCompletionRequest request, string prompt, Directions directions)
    {
        if (directions is { Chunks: { } numbers, Text: null, Echo: false })
        {
            return Pieces.Numbered(numbers, directions.ChunkBytes);
        }

        var text = directions.Text
            ?? (directions.Echo
                ? prompt
                : request.WantsOrders ? OrderReader.Read($"{prompt}\n{request.Shown}")
                : request.Seen + (request.ToolResults.Count > 0 ? ToolReport.Of(request.ToolResults) : ShoppingTexts.Reply(prompt)));
        return directions.Chunks is { } chunks ? Pieces.Exactly(text, chunks)
            : directions.ChunkBytes is { } size ? Pieces.OfLength(text, Math.Max(1, size))
            : Pieces.OfWords(text, DefaultPieces);
    }

    private static List<ToolCall> Calls(ChatCompletionRequest request, string prompt, Directions directions)
    {
        if (!request.ToolsAllowed || directions.NoTools || request.WantsOrders)
        {
            return [];
        }

        if (directions.Tools.Count > 0)
        {
            return request.Call > directions.ToolRounds
                ? []
                : [.. directions.Tools.Select(t => new ToolCall(t.Id ?? NewId(), t.Name, t.Arguments ?? Arguments(t.Name, prompt)))];
        }

        var answersDirectly =
            directions.Text is not null
                || directions.Chunks is not null
                || directions.Echo
                || request.ToolResults.Count > 0
                || request.Call > 1;
        return answersDirectly
            ? []
            : [.. RequiredTools(request, prompt, directions).Select(tool => new ToolCall(NewId(), tool, Arguments(tool, prompt)))];
    }

    /// <summary>
    /// The offered tools that the prompt requires. A model that writes markup knows its tools from the system prompt,
    /// so its request does not have to offer them.
    /// </summary>
    private static IEnumerable<string> RequiredTools(ChatCompletionRequest request, string prompt, Directions directions)
    {
        bool Offered(string tool) =>
            request.Tools.Contains(tool, StringComparer.Ordinal) || (directions.Markup != MarkupForm.None && request.Tools.Count == 0);

        if (ShoppingTexts.AsksForTime(prompt) && request.Tools.Contains("get_current_time", StringComparer.Ordinal))
        {
            return ["get_current_time"];
        }

        var products = ShoppingTexts.AsksForProducts(prompt);
        string[] tools =
        [
            .. products && Offered("search_products") ? (string[])["search_products"] : [],
            .. ShoppingTexts.AsksForResearch(prompt) && Offered("search_web") ? (string[])["search_web"] : [],
        ];
        return tools.Length == 0 && products && Offered("search_web") ? ["search_web"] : tools;
    }

    private static string Arguments(string tool, string prompt)
    {
        if (tool == "get_current_time")
        {
            return "{}";
        }

        var query = $"\"query\":{Json.Quote(ShoppingTexts.Subject(prompt))}";
        return tool == "search_products" && ShoppingTexts.Budget(prompt) is { } budget
            ? $"{{{query},\"maxPrice\":{budget.ToString(CultureInfo.InvariantCulture)}}}"
            : $"{{{query}}}";
    }

    private static string NewId() =>
        string.Create(CultureInfo.InvariantCulture, $"call_{Interlocked.Increment(ref _callNumber):x8}{Environment.TickCount64:x12}");
}
