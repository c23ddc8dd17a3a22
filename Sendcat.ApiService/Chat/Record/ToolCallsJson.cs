using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// Tool calls as they are stored with a message: <c>[{id, type:"function", function:{name, arguments}}]</c>, the arguments as the model's
/// text.
/// </summary>
internal static class ToolCallsJson
{
    public static string Write(IReadOnlyList<ProviderToolCall> calls) =>
        JsonSerializer.Serialize(
            [.. calls.Select(call => new StoredToolCall(call.Id, "function", new StoredFunction(call.Name, call.ArgumentsJson)))],
            StoredMessageJson.Default.StoredToolCallArray);

    public static IReadOnlyList<ProviderToolCall> Read(string? json) =>
        json is null ? [] : [.. (JsonSerializer.Deserialize(json, StoredMessageJson.Default.StoredToolCallArray) ?? [])
            .Select(call => new ProviderToolCall(call.Id, call.Function.Name, call.Function.Arguments))];
}

internal sealed record StoredToolCall(string Id, string Type, StoredFunction Function);

internal sealed record StoredFunction(string Name, string Arguments);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(StoredToolCall[]))]
internal sealed partial class StoredMessageJson : JsonSerializerContext;
