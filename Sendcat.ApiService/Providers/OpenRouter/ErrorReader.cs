using System.Globalization;
using System.Text.Json;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>Reads an <c>error</c> member: its code as a number or a word, and the canonical type in its metadata. The provider's message is not read at all.</summary>
internal static class ErrorReader
{
    public static (int? Status, string? Word) Read(ref Utf8JsonReader reader)
    {
        int? status = null;
        string? word = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return (null, null);
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("code"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Number)
                {
                    status = reader.TryGetInt32(out var number) ? number : null;
                }
                else if (LenientJsonString.Read(ref reader) is { } code)
                {
                    status = int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
                    word = status is null ? code : word;
                }

                reader.Skip();
            }
            else if (reader.ValueTextEquals("type"u8) || reader.ValueTextEquals("error_type"u8))
            {
                reader.Read();
                word ??= LenientJsonString.Read(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                word ??= Read(ref reader).Word;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return (status, word);
    }
}
