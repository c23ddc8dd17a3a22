using Microsoft.Extensions.Options;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Turns the files of a message in <c>useChat</c> shape into attachments: a <c>data:</c> address is stored as a new one, the path of an
/// attachment names one that was uploaded before. A web address is stored as it is; the provider fetches it.
/// </summary>
internal sealed class TurnFiles(
    Uploads uploads, OwnedAttachments attachments, RateLimiter limiter, IOptionsMonitor<AttachmentOptions> options,
    ILogger<TurnFiles> logger)
{
    /// <returns>
    /// What is to be stored with the message, in the order of the files; or the error of the first file that cannot be stored.
    /// </returns>
    /// <exception cref="FileStoreException">The file store is unavailable.</exception>
    /// <remarks>If one file cannot be stored, those before it are deleted again.</remarks>
    public async ValueTask<Outcome<MessageAttachment[]>> StoreAsync(
        Principal principal, IReadOnlyList<UiFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return Array.Empty<MessageAttachment>();
        }

        if (!Decode(files).TryGet(out var contents, out var refusal))
        {
            return refusal;
        }

        if (await OverLimitAsync(principal, contents, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        var stored = new List<MessageAttachment>(files.Count);
        var complete = false;
        try
        {
            foreach (var (file, content) in files.Zip(contents))
            {
                if (!(await StoreAsync(principal, file, content, cancellationToken)).TryGet(out var attachment, out refusal))
                {
                    return refusal;
                }

                stored.Add(attachment);
            }

            complete = stored.Sum(file => file.Size ?? 0) <= MessageAttachment.MostBytesPerMessage;
            return complete ? stored.ToArray() : TooLarge();
        }
        finally
        {
            if (!complete)
            {
                await DiscardAsync(files, stored);
            }
        }
    }

    /// <summary>
    /// Deletes what <see cref="StoreAsync(Principal, IReadOnlyList{UiFile}, CancellationToken)"/> has stored for a turn that does not
    /// begin, so that it does not count against the quota. Files that were uploaded before stay, and so do those that a message names.
    /// </summary>
    /// <param name="files">The files of the request.</param>
    /// <param name="stored">What was stored of them, in their order; it may be shorter.</param>
    public async ValueTask DiscardAsync(IReadOnlyList<UiFile> files, IReadOnlyList<MessageAttachment> stored)
    {
        Guid[] added =
        [
            .. files.Zip(stored).Where(pair => DataAddress.Is(pair.First.Url)).Select(pair => Guid.Parse(pair.Second.StorageId!)),
        ];
        if (added.Length == 0)
        {
            return;
        }

        try
        {
            await attachments.DiscardAsync(added, CancellationToken.None);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure))
        {
            // The sweeper finds them.
            logger.FilesNotDiscarded(added.Length, failure.GetType().Name);
        }
    }

    private static ApiError TooLarge() => ApiError.PayloadTooLarge((int)MessageAttachment.MostBytesPerMessage);

    private async ValueTask<Outcome<MessageAttachment>> StoreAsync(
        Principal principal, UiFile file, byte[]? content, CancellationToken cancellationToken)
    {
        if (content is not null)
        {
            using var stream = new MemoryStream(content, writable: false);
            return (await uploads.StoreAsync(principal, file.Name, stream, cancellationToken)).TryGet(out var added, out var refused)
                ? MessageAttachment.Of(added)
                : refused;
        }

        if (AttachmentEndpoints.IdIn(file.Url) is not { } id)
        {
            return new MessageAttachment(null, file.MediaType, file.Name, null, file.Url);
        }

        return (await attachments.ResolveAsync(principal, [new(id)], cancellationToken)).TryGet(out var known, out var unknown)
            ? known[0]
            : unknown;
    }

    /// <returns>For each file its bytes, or null if it is an address; 400 for a malformed one, 413 for too many bytes.</returns>
    private Outcome<byte[]?[]> Decode(IReadOnlyList<UiFile> files)
    {
        var contents = new byte[]?[files.Count];
        var total = 0L;
        for (var n = 0; n < contents.Length; n++)
        {
            if (!DataAddress.Is(files[n].Url))
            {
                continue;
            }

            if (DataAddress.BytesOf(files[n].Url) is not { } bytes)
            {
                return ApiError.InvalidRequest("Invalid request: a data address must be base64");
            }

            total += bytes.Length;
            if (bytes.Length > options.CurrentValue.MaxBytes)
            {
                return ApiError.PayloadTooLarge(options.CurrentValue.MaxBytes);
            }

            contents[n] = bytes;
        }

        return total > MessageAttachment.MostBytesPerMessage ? TooLarge() : contents;
    }

    private async ValueTask<ApiError?> OverLimitAsync(Principal principal, byte[]?[] contents, CancellationToken cancellationToken)
    {
        var uploaded = contents.Count(content => content is not null);
        return uploaded > 0
            && await limiter.CheckAsync(
                RateLimitBucket.Uploads, [new(principal.Key)], cancellationToken, "/api/chat", HttpMethods.Post,
                uploaded) is { Allowed: false } denied
                ? ApiError.RateLimited(denied.RetryAfter, RequestBudget.Upload, "Too many files")
                : null;
    }
}
