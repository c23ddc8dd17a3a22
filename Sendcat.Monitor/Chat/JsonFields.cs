using System.Text.Json;

namespace Sendcat.Monitor.Chat;

/// <summary>Reads JSON fields. A field that is missing, null or of another type reads as null.</summary>
internal static class JsonFields
{
    public static JsonElement? Field(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public static string? Text(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static double? Number(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;

    public static bool? Flag(this JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value ? value.GetBoolean() : null;

    public static TurnEvent.Usage Usage(JsonElement? usage, JsonElement? metrics) => new(
        (long?)usage?.Number("prompt_tokens"), (long?)usage?.Number("completion_tokens"), metrics?.Text("modelId"),
        metrics?.Number("latencyMs"), metrics?.Number("ttftMs"));
}
