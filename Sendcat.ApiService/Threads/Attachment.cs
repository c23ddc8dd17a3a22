using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>The metadata of a file that belongs to a message. Its bytes are in storage under <see cref="StorageId"/>.</summary>
internal sealed record Attachment
{
    /// <summary>The most files of one message.</summary>
    public const int MostPerMessage = 10;

    /// <summary>25 MiB, the largest file that the model providers accept.</summary>
    public const long LargestBytes = 25L * 1024 * 1024;

    /// <summary>Characters.</summary>
    public const int LongestName = 255;

    private static readonly HashSet<string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/heic", "application/pdf",
    };

    public string? StorageId { get; init; }

    /// <summary>An image type or <c>application/pdf</c>. SVG is not allowed: it can contain scripts.</summary>
    public string? Type { get; init; }

    public string? Name { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    public static bool IsAllowedType(string mediaType) => Types.Contains(mediaType);

    public IEnumerable<string> Problems()
    {
        if (StorageId is not { Length: >= 1 and <= 200 } || !StorageId.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            yield return "attachment.storageId must be the id of a stored file";
        }

        if (Type is null || !Types.Contains(Type))
        {
            yield return "attachment.type must be an image or application/pdf";
        }

        if (!StoredText.HasText(Name, LongestName))
        {
            yield return $"attachment.name must have 1 to {LongestName} characters";
        }

        if (Size is not (>= 1 and <= LargestBytes))
        {
            yield return "attachment.size must be 1 byte to 25 MiB";
        }
    }
}
