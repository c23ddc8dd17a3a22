namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The fixed properties of a turn, set when it starts.</summary>
/// <param name="Principal">The key of the principal.</param>
/// <param name="ModelId">Null: the operator's default model.</param>
/// <param name="HeldRoute">The route whose bulkhead slot the turn holds; admission has taken it.</param>
internal sealed record TurnStart(
    Guid ThreadId, Guid StreamId, string Principal, string? ModelId, bool WebSearch, string HeldRoute, DateTimeOffset StartedAt)
{
    /// <summary>Timestamp of the moment when the request had been read and its caller was known.</summary>
    public required long AcceptedAt { get; init; }

    /// <summary>The user message that the turn answers; null in a thread without one.</summary>
    public Guid? Asked { get; init; }

    /// <summary>The limits of guests apply to the principal.</summary>
    public bool IsGuest { get; init; }

    /// <summary>The stream id as clients see it.</summary>
    public string WireStreamId { get; } = StreamIds.Format(StreamId);
}
