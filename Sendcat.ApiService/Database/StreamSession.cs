namespace Sendcat.ApiService.Database;

/// <summary>One turn on its way: which replica runs it, for whom, and when it last gave a sign of life. Written by the chat slice.</summary>
internal sealed class StreamSession
{
    public required Guid Id { get; init; }

    public required Guid ThreadId { get; init; }

    public required Guid MessageId { get; set; }

    public required Guid ReplicaId { get; init; }

    /// <summary>The <c>Principal.Key</c> that started the turn.</summary>
    public required string Principal { get; init; }

    /// <summary><c>streaming</c>, <c>completed</c>, <c>error</c> or <c>aborted</c>.</summary>
    public required string Status { get; set; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    public DateTimeOffset? LastHeartbeat { get; set; }
}
