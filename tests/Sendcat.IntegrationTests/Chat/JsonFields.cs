using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Fields of events and messages.</summary>
internal static class JsonFields
{
    /// <summary>A text; null: there is none.</summary>
    public static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
