using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>Decides what the model says: what the directions ask for, else what a shopping assistant would.</summary>
internal static class ShoppingAssistant
{
    /// <summary>Pieces of an ordinary answer.</summary>
    private const int OrdinaryPieces = 28;

    private static int callNumber = Random.Shared.Next(1 << 24);

    public static Answer Reply(ChatCompletionRequest request, string prompt, Directions directions)
    {
        var calls = Calls(request, prompt, directions);
        var content = calls.Count == 0 ? Content(request, prompt, directions) : Lead(directions);
        if (calls.Count > 0 && directions.Markup != MarkupForm.None)
        {
            // Cut every few characters, so that readers meet markup that is spread over chunks; the words after it must never be shown.
            content = [.. content, .. Pieces.OfLength($"Let me look that up. {string.Concat(calls.Select(c => Markup.Render(directions.Markup, c)))} I will wait for the results.", 5)];
            calls = [];
        }

        var reasoning = directions.ReasoningChunks > 0 ? Pieces.Exactly(ShoppingTalk.Thought(prompt), directions.ReasoningChunks) : [];
        return directions.ReasoningAs == ReasoningShape.Think && reasoning.Count > 0
            ? new([], ["<think>", .. reasoning, "</think>", .. content], calls)
            : new(reasoning, content, calls);
    }

    private static List<string> Lead(Directions directions) => directions.Say is { } say ? Pieces.OfWords(say, OrdinaryPieces) : [];

    private static List<string> Content(ChatCompletionRequest request, string prompt, Directions directions)
    {
        if (directions is { Chunks: { } numbers, Text: null, Echo: false })
        {
            return Pieces.Numbered(numbers, directions.ChunkBytes);
        }

        var text = directions.Text
            ?? (directions.Echo ? prompt : request.ToolResults.Count > 0 ? ToolReport.Of(request.ToolResults) : ShoppingTalk.Reply(prompt));
        return directions.Chunks is { } chunks ? Pieces.Exactly(text, chunks)
            : directions.ChunkBytes is { } size ? Pieces.OfLength(text, Math.Max(1, size))
            : Pieces.OfWords(text, OrdinaryPieces);
    }

    private static List<ToolCall> Calls(ChatCompletionRequest request, string prompt, Directions directions)
    {
        if (!request.ToolsAllowed || directions.NoTools)
        {
            return [];
        }

        if (directions.Tools.Count > 0)
        {
            return request.Call > directions.ToolRounds ? [] : [.. directions.Tools.Select(t => new ToolCall(t.Id ?? NewId(), t.Name, t.Arguments ?? Arguments(t.Name, prompt)))];
        }

        var answersOnItsOwn = directions.Text is not null || directions.Chunks is not null || directions.Echo || request.ToolResults.Count > 0 || request.Call > 1;
        return answersOnItsOwn ? [] : [.. Wishes(request, prompt, directions).Select(tool => new ToolCall(NewId(), tool, Arguments(tool, prompt)))];
    }

    /// <summary>The tools that the prompt calls for, of those that were offered; a model that writes markup knows its tools from the system prompt.</summary>
    private static IEnumerable<string> Wishes(ChatCompletionRequest request, string prompt, Directions directions)
    {
        bool Offered(string tool) => request.Tools.Contains(tool, StringComparer.Ordinal) || (directions.Markup != MarkupForm.None && request.Tools.Count == 0);

        if (ShoppingTalk.AsksForTime(prompt) && request.Tools.Contains("get_current_time", StringComparer.Ordinal))
        {
            return ["get_current_time"];
        }

        var products = ShoppingTalk.AsksForProducts(prompt);
        string[] wishes = [.. products && Offered("search_products") ? (string[])["search_products"] : [], .. ShoppingTalk.AsksForResearch(prompt) && Offered("search_web") ? (string[])["search_web"] : []];
        return wishes.Length == 0 && products && Offered("search_web") ? ["search_web"] : wishes;
    }

    private static string Arguments(string tool, string prompt)
    {
        if (tool == "get_current_time")
        {
            return "{}";
        }

        var query = $"\"query\":{Json.Quote(ShoppingTalk.Subject(prompt))}";
        return tool == "search_products" && ShoppingTalk.Budget(prompt) is { } budget ? $"{{{query},\"maxPrice\":{budget.ToString(CultureInfo.InvariantCulture)}}}" : $"{{{query}}}";
    }

    private static string NewId() => string.Create(CultureInfo.InvariantCulture, $"call_{Interlocked.Increment(ref callNumber):x8}{Environment.TickCount64:x12}");
}
