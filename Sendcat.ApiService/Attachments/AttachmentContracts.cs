using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Attachments;

/// <param name="Type">The media type that the content has, whatever the client said.</param>
/// <param name="Size">Bytes.</param>
internal sealed record AttachmentView(Guid Id, string Name, string Type, long Size)
{
    public static AttachmentView Of(Attachment attachment) => new(attachment.Id, attachment.Name, attachment.Type, attachment.Size);
}

/// <summary>
/// An attachment in a request. Name, type and size come from the stored attachment; a client may send them, and they are ignored.
/// </summary>
/// <param name="StorageId">The id that <c>POST /api/attachments</c> returned.</param>
internal sealed record AttachmentReference(string? StorageId);

/// <summary>An attachment of a message.</summary>
/// <param name="StorageId">The id of the attachment; absent for a file that is only an address.</param>
/// <param name="Size">Bytes; absent for a file that is only an address.</param>
/// <param name="Url">Where the content can be read, for an attachment by its owner only: a path of this API.</param>
internal sealed record MessageAttachmentView(string? StorageId, string? Name, string? Type, long? Size, string? Url)
{
    /// <returns>Null without attachments.</returns>
    public static IReadOnlyList<MessageAttachmentView>? Of(JsonElement? json) =>
        MessageAttachment.Read(json) is { Count: > 0 } attachments
            ? [
                .. attachments.Select(
                    a => new MessageAttachmentView(
                        a.StorageId, a.Name, a.Type, a.Size, a.StorageId is null ? a.Url : $"{AttachmentEndpoints.Path}/{a.StorageId}"))]
            : null;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AttachmentView))]
[JsonSerializable(typeof(IReadOnlyList<MessageAttachment>))]
[JsonSerializable(typeof(IReadOnlyList<MessageAttachmentView>))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
