using System.Text;
using System.Text.Json;

namespace Sendcat.ApiService.Tools;

/// <summary>Checks JSON text that a model or a provider wrote.</summary>
internal static class JsonShape
{
    public static bool IsObject(string text) => StartsAs(text, JsonTokenType.StartObject);

    private static bool StartsAs(string text, JsonTokenType first)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            if (!reader.Read() || reader.TokenType != first)
            {
                return false;
            }

            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
