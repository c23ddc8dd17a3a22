using System.Text.Json;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>Writes token counts and timings, in the form that both dialects use.</summary>
internal static class UsageJson
{
    public static void WriteTokens(Utf8JsonWriter json, ProviderUsage? tokens)
    {
        if (tokens is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("prompt_tokens"u8, tokens.PromptTokens);
        json.WriteNumber("completion_tokens"u8, tokens.CompletionTokens);
        json.WriteNumber("total_tokens"u8, tokens.TotalTokens);
        if (tokens.CachedTokens is { } cached)
        {
            json.WriteNumber("cached_tokens"u8, cached);
        }

        if (tokens.ReasoningTokens is { } reasoning)
        {
            json.WriteNumber("reasoning_tokens"u8, reasoning);
        }

        if (tokens.Cost is { } cost)
        {
            json.WriteNumber("cost"u8, cost);
        }

        json.WriteEndObject();
    }

    public static void WriteMetrics(Utf8JsonWriter json, CallMetrics metrics)
    {
        json.WriteStartObject();
        json.WriteNumber("latencyMs"u8, metrics.LatencyMs);
        if (metrics.TtftMs is { } first)
        {
            json.WriteNumber("ttftMs"u8, first);
        }
        else
        {
            json.WriteNull("ttftMs"u8);
        }

        json.WriteString("modelId"u8, metrics.ModelId);
        json.WriteString("finishReason"u8, metrics.FinishReason);
        json.WriteEndObject();
    }
}
