namespace Sendcat.ApiService.Threads;

/// <summary>
/// A conversation. With <see cref="UserId"/> it belongs to that user alone, without to the holder of <see cref="SessionId"/>.
/// </summary>
internal sealed class ChatThread
{
    public required Guid Id { get; init; }

    /// <summary>The id that the client invented for the thread; unique among the threads of its principal.</summary>
    public string? ClientId { get; set; }

    public string? Title { get; set; }

    /// <summary>The model that the owner has chosen; null: the operator's default model.</summary>
    public string? ModelId { get; set; }

    public required string SessionId { get; init; }

    public string? UserId { get; set; }

    public DateTimeOffset? LastMessageAt { get; set; }

    public bool IsPinned { get; set; }

    public Guid? ParentThreadId { get; init; }

    public Guid? SharedFromThreadId { get; init; }

    /// <summary>The share of which this thread is a fork; null: of none, or of one that is gone.</summary>
    public Guid? ShareId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The number of messages. Triggers of the database maintain it.</summary>
    public int MessageCount { get; private set; }

    /// <summary>The bytes of the messages, without one that is still being written. Triggers of the database maintain it.</summary>
    public long Bytes { get; private set; }
}
