using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Streaming;

/// <summary>
/// Parses JSON from a model or a provider and rewrites it in one line of valid UTF-8. An unpaired surrogate becomes U+FFFD. A line break in
/// a <c>data:</c> line would end the server-sent event within its JSON.
/// </summary>
internal static class OneLineJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    /// <returns>The same value in one line; null if the text is not exactly one JSON value.</returns>
    public static string? Of(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(Math.Max(text.Length, 16));
        using var json = new Utf8JsonWriter(buffer, Options);
        try
        {
            Copy(Encoding.UTF8.GetBytes(text), json);
        }
        catch (JsonException)
        {
            return null;
        }

        json.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Copy(ReadOnlySpan<byte> text, Utf8JsonWriter json)
    {
        var reader = new Utf8JsonReader(text);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    json.WriteStartObject();
                    break;
                case JsonTokenType.EndObject:
                    json.WriteEndObject();
                    break;
                case JsonTokenType.StartArray:
                    json.WriteStartArray();
                    break;
                case JsonTokenType.EndArray:
                    json.WriteEndArray();
                    break;
                case JsonTokenType.PropertyName:
                    json.WritePropertyName(LenientJsonString.Read(ref reader)!);
                    break;
                case JsonTokenType.String:
                    json.WriteStringValue(LenientJsonString.Read(ref reader));
                    break;
                default:
                    // Numbers keep their notation; true, false and null.
                    json.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                    break;
            }
        }
    }
}
