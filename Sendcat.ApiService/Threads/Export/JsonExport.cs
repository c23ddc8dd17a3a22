using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads.Export;

internal sealed class JsonExport : IExportFormat
{
    public string Name => "json";

    public string ContentType => "application/json";

    public string FileExtension => "json";

    public string Head(ChatThread thread)
    {
        var head = JsonSerializer.Serialize(
            new(thread.Id, thread.Title, thread.ModelId, thread.CreatedAt.UtcDateTime), ExportJson.Default.ExportedThread);
        return $"{head[..^1]},\"messages\":[";
    }

    public string Line(ChatMessage message, bool isFirst) =>
        (isFirst ? "" : ",")
        + JsonSerializer.Serialize(
            new(
                message.Id, message.Role, message.Content, message.Status ?? "completed", message.ModelId, message.ReasoningContent,
                MessageAttachmentView.Of(message.Attachments),
                message.Products, message.Sources, message.CreatedAt.UtcDateTime),
            ExportJson.Default.ExportedMessage);

    public string Tail() => "]}";
}

internal sealed record ExportedThread(Guid Id, string? Title, string? ModelId, DateTime CreatedAt);

/// <param name="Status"><c>completed</c>, <c>error</c> or <c>aborted</c>.</param>
internal sealed record ExportedMessage(
    Guid Id, string Role, string Content, string Status, string? ModelId, string? ReasoningContent,
    IReadOnlyList<MessageAttachmentView>? Attachments, JsonElement? Products,
    JsonElement? Sources, DateTime CreatedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(UtcDateTimeConverter), typeof(UtcDateTimeOffsetConverter)])]
[JsonSerializable(typeof(ExportedThread))]
[JsonSerializable(typeof(ExportedMessage))]
internal sealed partial class ExportJson : JsonSerializerContext;
