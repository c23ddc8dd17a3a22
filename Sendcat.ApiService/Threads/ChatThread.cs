namespace Sendcat.ApiService.Threads;

/// <summary>A conversation. With <see cref="UserId"/> it is that user's alone; without, it belongs to the holder of <see cref="SessionId"/>.</summary>
internal sealed class ChatThread
{
    public required Guid Id { get; init; }

    public string? Title { get; set; }

    public required string ModelId { get; set; }

    public required string SessionId { get; init; }

    public string? UserId { get; set; }

    public DateTimeOffset? LastMessageAt { get; set; }

    public bool IsPinned { get; set; }

    public Guid? ParentThreadId { get; init; }

    public Guid? SharedFromThreadId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>How many messages there are; counted by the database.</summary>
    public int MessageCount { get; private set; }

    /// <summary>What they take, without one that is still being written; counted by the database.</summary>
    public long Bytes { get; private set; }
}
