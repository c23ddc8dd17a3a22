using System.Text.Json;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// A share link and the snapshot behind it. Until it is revoked, anyone who knows the token may read the snapshot and copy it into a
/// thread.
/// </summary>
internal sealed class SharedThread
{
    public required Guid Id { get; init; }

    public required Guid ThreadId { get; init; }

    public required string ShareToken { get; init; }

    public string? CreatedByUserId { get; init; }

    public string? CreatedBySessionId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public bool IsRevoked { get; set; }

    /// <summary>The title of the thread at the moment of the snapshot.</summary>
    public string? Title { get; set; }

    /// <summary>The model of the thread at the moment of the snapshot.</summary>
    public string? ModelId { get; set; }

    /// <summary>The moment of the snapshot.</summary>
    public DateTimeOffset SharedAt { get; set; }

    /// <summary>The owner chose to share the reasoning.</summary>
    public bool IncludesReasoning { get; set; }

    /// <summary>The owner chose to share the attachments.</summary>
    public bool IncludesAttachments { get; set; }
}

/// <summary>A message as it was when the thread was shared.</summary>
internal sealed class SharedMessage
{
    public required Guid ShareId { get; init; }

    /// <summary>The position in the snapshot, from 1, without gaps.</summary>
    public required long Place { get; init; }

    public required string Role { get; init; }

    public required string Content { get; init; }

    public string? ModelId { get; init; }

    public string? Status { get; init; }

    public string? ReasoningContent { get; init; }

    public JsonElement? Attachments { get; init; }

    public JsonElement? Products { get; init; }

    public JsonElement? Sources { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
