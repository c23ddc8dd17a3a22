using System.Text.Json;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>Reads a <c>usage</c> object in the formats of OpenRouter and its upstream vendors.</summary>
internal static class UsageReader
{
    /// <summary>Null for anything but an object. The reader ends at the last token of the value.</summary>
    public static ProviderUsage? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        long prompt = 0;
        long completion = 0;
        long? total = null;
        long? cached = null;
        long? reasoning = null;
        decimal? cost = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("prompt_tokens"u8))
            {
                prompt = Count(ref reader) ?? prompt;
            }
            else if (reader.ValueTextEquals("completion_tokens"u8))
            {
                completion = Count(ref reader) ?? completion;
            }
            else if (reader.ValueTextEquals("total_tokens"u8))
            {
                total = Count(ref reader);
            }
            else if (reader.ValueTextEquals("prompt_tokens_details"u8))
            {
                cached = Detail(ref reader, "cached_tokens"u8);
            }
            else if (reader.ValueTextEquals("completion_tokens_details"u8))
            {
                reasoning = Detail(ref reader, "reasoning_tokens"u8);
            }
            else if (reader.ValueTextEquals("cost"u8))
            {
                reader.Read();
                cost = reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var dollars) ? dollars : null;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return new ProviderUsage(prompt, completion, total ?? prompt + completion, cached, reasoning, cost);
    }

    private static long? Detail(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        long? count = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(name))
            {
                count = Count(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return count;
    }

    private static long? Count(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.Number)
        {
            reader.Skip();
            return null;
        }

        return reader.TryGetInt64(out var whole)
            ? whole
            : reader.TryGetDouble(out var real) && real is >= 0 and < long.MaxValue ? (long)real : null;
    }
}
