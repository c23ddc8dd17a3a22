using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Markup;
using Sendcat.ApiService.Providers.OpenRouter;

namespace Sendcat.UnitTests.Providers;

/// <summary>Builds SSE chunks of a provider response and parses a response with <see cref="OpenRouterReader"/>.</summary>
internal static class ProviderResponses
{
    public const string Done = "data: [DONE]\n\n";

    public static string Data(string json) => $"data: {json}\n\n";

    public static string Delta(string members) =>
        Data($$"""{"id":"gen-1","model":"m/one","choices":[{"index":0,"delta":{{{members}}},"finish_reason":null}]}""");

    public static string Text(string text) => Delta($"\"role\":\"assistant\",\"content\":{JsonSerializer.Serialize(text)}");

    public static string Finish(string reason) =>
        Data($$"""{"id":"gen-1","model":"m/one","choices":[{"index":0,"delta":{"content":""},"finish_reason":"{{reason}}"}]}""");

    /// <summary>Text and a finish reason on the same chunk.</summary>
    public static string WithFinish(string text) =>
        Data($$"""{"id":"gen-1","model":"m/one","choices":[{"index":0,"delta":{"content":{{JsonSerializer.Serialize(text)}}},"finish_reason":"stop"}]}""");

    /// <param name="members">Members of one fragment of the first tool call.</param>
    public static string Tool(string members) => Delta($$"""{{"\"tool_calls\""}}:[{"index":0,{{members}}}]""");

    public static string Usage(string choices = "[]") =>
        Data($$"""{"choices":{{choices}},"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"cost":0.0025,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3} } }""");

    public static Task<ParsedResponse> ReadAsync(string sse, MarkupSyntax? syntax = null) =>
        ReadAsync(Encoding.UTF8.GetBytes(sse), [], syntax);

    /// <param name="cuts">Maximum length in bytes of each successive read. Reads after the last entry fill the whole buffer.</param>
    public static async Task<ParsedResponse> ReadAsync(byte[] sse, int[] cuts, MarkupSyntax? syntax = null)
    {
        var markup = new TextMarkup(syntax ?? MarkupSyntax.Native, webSearch: true, toolsAllowed: true, TimeProvider.System);
        using var reader = new OpenRouterReader(
            new CutStream(sse, cuts), markup, new ProviderFaults(ProviderRoute.Primary), TimeProvider.System);
        var events = new List<ProviderEvent>();
        try
        {
            while (await reader.ReadAsync(events, CancellationToken.None))
            {
            }

            return ParsedResponse.Of(events, null);
        }
        catch (ProviderException failure)
        {
            return ParsedResponse.Of(events, failure);
        }
    }

    private sealed class CutStream(byte[] bytes, int[] cuts) : MemoryStream(bytes)
    {
        private int _next;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty)
            {
                return new(0);
            }

            var length = _next < cuts.Length ? Math.Max(1, cuts[_next++]) : buffer.Length;
            return base.ReadAsync(buffer[..Math.Min(length, buffer.Length)], cancellationToken);
        }
    }
}

/// <summary>The parsed content of a response, independent of its split into events. Generated call ids read as <c>made-up</c>.</summary>
internal sealed record ParsedResponse(
    string Text, string Reasoning, string Started, string Arguments, string Calls, string? Finish, ProviderUsage? Usage, string? Details,
    string? Model,
    string? Error)
{
    public static ParsedResponse Of(IReadOnlyList<ProviderEvent> events, ProviderException? failure)
    {
        var finished = events.OfType<ProviderEvent.Finished>().SingleOrDefault();
        return new(
            string.Concat(events.OfType<ProviderEvent.Text>().Select(e => e.Delta)),
            string.Concat(events.OfType<ProviderEvent.Reasoning>().Select(e => e.Delta)),
            string.Join(' ', events.OfType<ProviderEvent.ToolCallStarted>().Select(e => $"{Id(e.Id)}:{e.Name}")),
            string.Join(
                ' ',
                events.OfType<ProviderEvent.ToolCallDelta>().GroupBy(e => e.Id)
                    .Select(call => $"{Id(call.Key)}:{string.Concat(call.Select(e => e.ArgumentsDelta))}")),
            string.Join(
                ' ', events.OfType<ProviderEvent.ToolCallReady>().Select(e => $"{Id(e.Call.Id)}:{e.Call.Name}:{e.Call.ArgumentsJson}")),
            finished?.Reason,
            finished?.Usage ?? failure?.Usage,
            finished?.ReasoningDetailsJson,
            finished?.Model,
            failure?.Error.Code);
    }

    private static string Id(string id) =>
        id.StartsWith("call_0", StringComparison.Ordinal) && Guid.TryParse(id[5..], out _) ? "made-up" : id;
}
