using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Assistant;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>Renders the response to a request with <c>stream: false</c>: one JSON object.</summary>
internal static class NonStreamingAnswer
{
    public static string Render(Answer answer, Directions directions, CatalogModel model, string id, DateTimeOffset now, int promptTokens)
    {
        var finish = Json.Quote(directions.Finish is { } f and not ("none" or "on-content") ? f : answer.Finish);
        var content = Json.Quote(answer.ToolCalls.Count > 0 && answer.Content.Count == 0 ? null : string.Concat(answer.Content));
        var reasoning = answer.Reasoning.Count == 0 ? "null" : Json.Quote(string.Concat(answer.Reasoning));
        var calls = answer.ToolCalls.Select((c, i) => string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"index":{{{i}}},"id":{{{Json.Quote(c.Id)}}},"type":"function","function":{"name":{{{Json.Quote(c.Name)}}},"arguments":{{{Json.Quote(c.Arguments)}}}}}"""));
        var toolCalls = answer.ToolCalls.Count == 0 ? "" : $",\"tool_calls\":[{string.Join(',', calls)}]";
        var usage = directions.Usage == UsageShape.None ? "" : $",\"usage\":{Usage.Of(answer, model, promptTokens)}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"id":"{{{id}}}","provider":{{{Json.Quote(model.Provider)}}},"model":{{{Json.Quote(model.Id)}}},"object":"chat.completion","created":{{{now.ToUnixTimeSeconds()}}},"choices":[{"index":0,"logprobs":null,"finish_reason":{{{finish}}},"native_finish_reason":{{{finish}}},"message":{"role":"assistant","content":{{{content}}},"refusal":null,"reasoning":{{{reasoning}}}{{{toolCalls}}}}}]{{{usage}}}}""");
    }
}
