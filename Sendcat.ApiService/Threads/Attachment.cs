using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <summary>What is known of a file that came with a message; the bytes live in storage under <see cref="StorageId"/>.</summary>
internal sealed record Attachment
{
    /// <summary>At most this many files to a message.</summary>
    public const int MostPerMessage = 10;

    /// <summary>25 MiB, the most that the model providers take for one file.</summary>
    public const long LargestBytes = 25L * 1024 * 1024;

    /// <summary>Characters.</summary>
    public const int LongestName = 255;

    private static readonly HashSet<string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/heic", "application/pdf",
    };

    public string? StorageId { get; init; }

    /// <summary>An image type or <c>application/pdf</c>. SVG is not among them: it is a program.</summary>
    public string? Type { get; init; }

    public string? Name { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    public static bool IsType(string mediaType) => Types.Contains(mediaType);

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

        if (!StoredText.Says(Name, LongestName))
        {
            yield return $"attachment.name must have 1 to {LongestName} characters";
        }

        if (Size is not (>= 1 and <= LargestBytes))
        {
            yield return "attachment.size must be 1 byte to 25 MiB";
        }
    }
}
