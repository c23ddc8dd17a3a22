using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ToolWorker.Messages;

/// <summary>
/// Gets the file of a message. Who sends a message chooses the file, so its size, its type and its hash are checked, and it is taken from
/// hosts of Meta alone.
/// </summary>
internal sealed class MediaDownload(GraphClient graph, IOptionsMonitor<WhatsAppOptions> options)
{
    /// <returns>The file, why this file is never read, or why it could not be got.</returns>
    public async Task<MediaResult> GetAsync(WhatsAppMedia media, CancellationToken cancellationToken)
    {
        if (!FileSignature.IsReadable(media.MediaType))
        {
            return new MediaResult.Unreadable("type");
        }

        for (var isSecond = false; ; isSecond = true)
        {
            var found = await graph.FindMediaAsync(media.Id, cancellationToken);
            if (!found.IsSuccess)
            {
                // A file that Meta no longer has: it keeps them for 30 days.
                return found.Error is { Status: 400 or 404 or 410 }
                    ? new MediaResult.Unreadable("gone")
                    : new MediaResult.Failed(found.Error);
            }

            if (found.Value.Bytes > options.CurrentValue.MediaMaxBytes)
            {
                return new MediaResult.Unreadable("size");
            }

            if (!graph.IsTrusted(found.Value.Address, out var address))
            {
                return new MediaResult.Unreadable("host");
            }

            var downloaded = await graph.DownloadAsync(address, cancellationToken);
            if (downloaded.IsSuccess)
            {
                return Checked(media, found.Value, downloaded.Value);
            }

            if (downloaded.Error.IsTooLong)
            {
                // The lookup named no size, or a smaller one.
                return new MediaResult.Unreadable("size");
            }

            // An address that has expired is looked up again, once for each attempt of the job.
            if (downloaded.Error.Status is not (403 or 404 or 410) || isSecond)
            {
                return downloaded.Error.Status is >= 300 and < 400
                    ? new MediaResult.Unreadable("redirect")
                    : new MediaResult.Failed(Retryable(downloaded.Error));
            }
        }
    }

    private static MediaResult Checked(WhatsAppMedia media, MediaAddress address, byte[] file)
    {
        var hash = SHA256.HashData(file);
        return (media.Sha256 is { } signed && !IsBase64Of(signed, hash))
            || (address.Sha256 is { } stated && !stated.Equals(Convert.ToHexString(hash), StringComparison.OrdinalIgnoreCase))
                ? new MediaResult.Failed(new("whatsapp_graph: the file has another hash", Retryable: true))
            : FileSignature.TypeOf(file) is not { } type ? new MediaResult.Unreadable("type")
            : new MediaResult.Downloaded(file, type);
    }

    private static bool IsBase64Of(string text, byte[] hash)
    {
        Span<byte> stated = stackalloc byte[SHA256.HashSizeInBytes];
        return Convert.TryFromBase64String(text, stated, out var length) && stated[..length].SequenceEqual(hash);
    }

    private static UpstreamError Retryable(UpstreamError error) =>
        error.Status is 403 or 404 or 410 ? error with { Retryable = true } : error;
}

/// <summary>What became of a download.</summary>
internal abstract record MediaResult
{
    /// <param name="MediaType">The type that the bytes have, whatever the sender says.</param>
    public sealed record Downloaded(byte[] File, string MediaType) : MediaResult;

    /// <param name="Reason">Why it is never read: type, size, host, redirect or gone.</param>
    public sealed record Unreadable(string Reason) : MediaResult;

    public sealed record Failed(UpstreamError Error) : MediaResult;
}

/// <summary>The types of files that models read, by the first bytes of a file.</summary>
internal static class FileSignature
{
    private static readonly string[] Types = ["image/jpeg", "image/png", "image/webp", "application/pdf"];

    /// <summary>Whether files that a sender declares as this type are worth a download.</summary>
    public static bool IsReadable(string mediaType) =>
        Types.Contains(mediaType, StringComparer.Ordinal) || mediaType == "application/octet-stream";

    /// <returns>Null: none of them.</returns>
    public static string? TypeOf(ReadOnlySpan<byte> file) =>
        file.StartsWith<byte>([0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : file.StartsWith<byte>([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8) ? "image/webp"
        : file.StartsWith("%PDF-"u8) ? "application/pdf"
        : null;
}
