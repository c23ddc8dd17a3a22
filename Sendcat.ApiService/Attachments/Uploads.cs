using Npgsql;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Files;

namespace Sendcat.ApiService.Attachments;

/// <summary>
/// Stores new files. The row comes first, then the content, then the mark that both are there: after a crash in between, the row names
/// whatever content may exist, and <see cref="AttachmentSweeper"/> deletes both.
/// </summary>
internal sealed class Uploads(OwnedAttachments attachments, IFileStore store, ILogger<Uploads> logger)
{
    public static readonly ApiError UnknownType =
        ApiError.UnsupportedMediaType("The file must be an image (PNG, JPEG, WebP, GIF, AVIF, HEIC) or a PDF");

    /// <param name="name">The client's name of the file.</param>
    /// <param name="content">Seekable, and not longer than one attachment may be.</param>
    /// <returns>
    /// 415 for a file of another type, 400 for an empty one, 409 beyond the quota of the principal or when its account was deleted
    /// meanwhile.
    /// </returns>
    /// <exception cref="FileStoreException">The file store is unavailable.</exception>
    public async Task<Outcome<Attachment>> StoreAsync(
        Principal principal, string? name, Stream content, CancellationToken cancellationToken)
    {
        if (content.Length == 0)
        {
            return ApiError.InvalidRequest("The file is empty");
        }

        var head = new byte[MediaType.HeadLength];
        var length = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        if (MediaType.Of(head.AsSpan(0, length)) is not { } type)
        {
            AttachmentMetrics.Uploaded("other", "refused_type");
            return UnknownType;
        }

        content.Position = 0;
        var sha256 = await MessageAttachment.HashAsync(content, cancellationToken);
        var file = new UploadedFile(FileName.Of(name), type, content.Length, sha256);
        if (!(await attachments.ReserveAsync(principal, file, cancellationToken)).TryGet(out var attachment, out var full))
        {
            AttachmentMetrics.Uploaded(type, "refused_quota");
            return full;
        }

        var stored = false;
        try
        {
            content.Position = 0;
            await store.PutAsync(Attachment.KeyOf(attachment.Id), content, type, cancellationToken);
            stored = await attachments.SetStoredAsync(attachment, cancellationToken);
        }
        finally
        {
            AttachmentMetrics.Uploaded(type, stored ? "stored" : "failed");
            if (!stored)
            {
                await WithdrawAsync(attachment);
            }
        }

        return stored ? attachment : ApiError.Conflict();
    }

    private async Task WithdrawAsync(Attachment attachment)
    {
        try
        {
            await attachments.WithdrawAsync(attachment, CancellationToken.None);
        }
        catch (NpgsqlException failure)
        {
            // The sweeper finds the row.
            logger.UploadNotWithdrawn(attachment.Id, failure.GetType().Name);
        }
    }
}
