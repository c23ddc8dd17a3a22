namespace Sendcat.ApiService.Chat.Record;

/// <summary>One turn: which replica runs it, for which principal, and when it was last written. The chat feature writes it.</summary>
internal sealed class StreamSession
{
    public required Guid Id { get; init; }

    public required Guid ThreadId { get; init; }

    public required Guid MessageId { get; set; }

    /// <summary>The user message that the turn answers; null in a thread without one. The message may be deleted before the turn.</summary>
    public Guid? UserMessageId { get; init; }

    public required Guid ReplicaId { get; init; }

    /// <summary>The <c>Principal.Key</c> of the principal that started the turn.</summary>
    public required string Principal { get; init; }

    /// <summary><c>streaming</c>, <c>completed</c>, <c>error</c> or <c>aborted</c>.</summary>
    public required string Status { get; set; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>
    /// Time of the last write of this row; of a turn whose answer was replaced after its end, the time of that. The heartbeat of a running
    /// turn is that of its <see cref="Replica"/>.
    /// </summary>
    public DateTimeOffset? LastHeartbeat { get; set; }
}
