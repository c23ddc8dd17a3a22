using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Assistant;

namespace Sendcat.UpstreamEmulator.OpenRouter.Streaming;

/// <summary>Renders the usage object. The token counts are estimates, but the same call always gets the same counts.</summary>
internal static class Usage
{
    public static string Of(Answer answer, CatalogModel model, int promptTokens)
    {
        var reasoning = answer.Reasoning.Count;
        var completion = reasoning + answer.Content.Count + answer.ToolCalls.Sum(c => 8 + (c.Arguments.Length / 4));
        var (promptCost, completionCost) = (promptTokens * model.PromptPrice, completion * model.CompletionPrice);
        var cost = promptCost + completionCost;
        return string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"prompt_tokens":{{{promptTokens}}},"completion_tokens":{{{completion}}},"total_tokens":{{{promptTokens + completion}}},"cost":{{{cost}}},"is_byok":false,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0,"audio_tokens":0,"video_tokens":0},"cost_details":{"upstream_inference_cost":{{{cost}}},"upstream_inference_prompt_cost":{{{promptCost}}},"upstream_inference_completions_cost":{{{completionCost}}}},"completion_tokens_details":{"reasoning_tokens":{{{reasoning}}},"image_tokens":0,"audio_tokens":0}}""");
    }
}
