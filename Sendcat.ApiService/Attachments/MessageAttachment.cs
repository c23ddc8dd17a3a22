using System.Security.Cryptography;
using System.Text.Json;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// An attachment as it is stored with its message. Every value comes from the attachment's row, never from the client. Older messages of
/// the UI dialect have <paramref name="Url"/> instead of an id.
/// </summary>
/// <param name="StorageId">The id of the attachment.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Url">A web address, or in older messages a <c>data:</c> address.</param>
internal sealed record MessageAttachment(string? StorageId, string? Type, string? Name, long? Size, string? Url)
{
    /// <summary>The most files of one message.</summary>
    public const int MostPerMessage = 10;

    /// <summary>The most bytes of all files of one message, 10 MiB.</summary>
    public const long MostBytesPerMessage = 10L * 1024 * 1024;

    /// <summary>
    /// The SHA-256 of the content, in lower-case hexadecimal: a repeated request is recognized by it. Null for a web address, and in older
    /// messages.
    /// </summary>
    public string? Sha256 { get; init; }

    /// <summary>It is the same attachment, or another one with the same content.</summary>
    public bool HasContentOf(MessageAttachment other) =>
        string.Equals(StorageId, other.StorageId, StringComparison.OrdinalIgnoreCase)
            ? Url == other.Url
            : Sha256 is { } hash && hash == other.Sha256;

    public static MessageAttachment Of(Attachment attachment) =>
        new(attachment.Id.ToString(), attachment.Type, attachment.Name, attachment.Size, null) { Sha256 = attachment.Sha256 };

    /// <returns>The value of <see cref="Sha256"/>.</returns>
    public static string HashOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <param name="content">It is read from its position to its end.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <inheritdoc cref="HashOf"/>
    public static async Task<string> HashAsync(Stream content, CancellationToken cancellationToken) =>
        Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));

    /// <returns>The JSON to store; null without attachments.</returns>
    public static string? Write(IReadOnlyList<MessageAttachment> attachments) =>
        attachments.Count == 0 ? null : JsonSerializer.Serialize(attachments, AttachmentJson.Default.IReadOnlyListMessageAttachment);

    /// <param name="json">The stored JSON; null without attachments.</param>
    public static IReadOnlyList<MessageAttachment> Read(string? json) =>
        json is null ? [] : JsonSerializer.Deserialize(json, AttachmentJson.Default.IReadOnlyListMessageAttachment) ?? [];

    /// <param name="json">The stored JSON; null without attachments.</param>
    public static IReadOnlyList<MessageAttachment> Read(JsonElement? json) =>
        json?.Deserialize(AttachmentJson.Default.IReadOnlyListMessageAttachment) ?? [];
}
