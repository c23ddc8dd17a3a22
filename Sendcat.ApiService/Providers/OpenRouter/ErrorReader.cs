using System.Globalization;
using System.Text.Json;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Providers.OpenRouter;

/// <summary>
/// Reads an <c>error</c> member: its code as a number or as text, and the error type in its metadata. The provider's message is not read.
/// </summary>
internal static class ErrorReader
{
    /// <summary>Both values are null for anything but an object.</summary>
    public static (int? Status, string? ErrorType) Read(ref Utf8JsonReader reader)
    {
        int? status = null;
        string? errorType = null;
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
                    errorType = status is null ? code : errorType;
                }

                reader.Skip();
            }
            else if (reader.ValueTextEquals("type"u8) || reader.ValueTextEquals("error_type"u8))
            {
                reader.Read();
                errorType ??= LenientJsonString.Read(ref reader);
                reader.Skip();
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                errorType ??= Read(ref reader).ErrorType;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        return (status, errorType);
    }
}
