using System.Text;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>Reads one element of <c>delta.tool_calls</c>. Every member may be missing, null or empty.</summary>
internal static class ToolCallFragmentReader
{
    /// <param name="json">The buffer of <paramref name="reader"/>.</param>
    public static ToolCallFragment Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        int? index = null;
        string? id = null;
        string? name = null;
        string? arguments = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                index = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number : null;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = Name(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("function"u8))
            {
                reader.Read();
                ReadFunction(ref reader, json, out name, out arguments);
            }
            else
            {
                reader.Skip();
            }
        }

        return new ToolCallFragment(index, id, name, arguments);
    }

    private static void ReadFunction(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, out string? name, out string? arguments)
    {
        name = null;
        arguments = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8))
            {
                reader.Read();
                name = Name(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("arguments"u8))
            {
                reader.Read();
                arguments = ReadArguments(ref reader, json);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    /// <summary>
    /// Ids and names are keys, so clients get them exactly as Postgres stores them. They arrive in one fragment, so an unpaired surrogate
    /// stays unpaired.
    /// </summary>
    private static string? Name(ref Utf8JsonReader reader) => StorableText.Sanitize(LenientJsonString.Read(ref reader));

    /// <summary>The arguments are usually a string; some vendors send a JSON object instead.</summary>
    private static string? ReadArguments(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            var text = LenientJsonString.Read(ref reader);
            reader.Skip();
            return text;
        }

        var from = (int)reader.TokenStartIndex;
        reader.Skip();
        return Encoding.UTF8.GetString(json[from..(int)reader.BytesConsumed]);
    }
}
