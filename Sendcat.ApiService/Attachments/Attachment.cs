namespace Sendcat.ApiService.Attachments;

/// <summary>
/// A file of a principal: an image or a PDF. With <see cref="UserId"/> it belongs to that user alone, without to the holder of
/// <see cref="SessionId"/>. Its content is in the file store under <see cref="KeyOf"/>.
/// </summary>
internal sealed class Attachment
{
    public required Guid Id { get; init; }

    public string? UserId { get; set; }

    public string? SessionId { get; init; }

    public required string Name { get; init; }

    /// <summary>The media type that the content has, see <see cref="MediaType"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The SHA-256 of the content, in lower-case hexadecimal; null for a file that was uploaded before this was stored.</summary>
    public string? Sha256 { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null until the content is in the file store.</summary>
    public DateTimeOffset? StoredAt { get; set; }

    /// <summary>
    /// When a message first named the attachment, or it became the invoice of a draft; null: neither. Triggers on the tables messages and
    /// purchase_drafts set it.
    /// </summary>
    public DateTimeOffset? AttachedAt { get; set; }

    /// <summary>The key of the content in the file store. It contains nothing that a client chose.</summary>
    public static string KeyOf(Guid id) => $"attachments/{id.ToString()[^2..]}/{id}";
}

/// <summary>
/// An attachment that was deleted in the database and whose content is still in the file store. A trigger inserts the rows.
/// </summary>
internal sealed class DeletedAttachment
{
    /// <summary>The id that the attachment had.</summary>
    public required Guid Id { get; init; }

    public required DateTimeOffset DeletedAt { get; init; }
}
