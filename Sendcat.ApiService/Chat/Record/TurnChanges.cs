using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The changes of a turn since its last confirmed commit.</summary>
/// <param name="Version">The version of the record that the changes lead to.</param>
/// <param name="Messages">Messages whose row is written, with the whole text.</param>
/// <param name="Parts">Text to add to messages of which only the text has grown.</param>
/// <param name="Persisted">What is persisted of the texts after the commit.</param>
/// <param name="Touches">The commit updates the last-message time of the thread.</param>
/// <param name="Replaces">The messages that the rows of this commit replace; null: none.</param>
/// <param name="Failed">
/// Messages that keep their persisted content and get the status <c>error</c> if they are still <c>streaming</c>.
/// </param>
internal sealed record TurnChanges(
    TurnRecord Record, long Version, IReadOnlyList<MessageSnapshot> Messages, IReadOnlyList<PartSnapshot> Parts,
    IReadOnlyList<(MessageRow Row, PersistedText After)> Persisted, SessionSnapshot Session, bool Touches,
    ReplacedMessages? Replaces, IReadOnlyList<Guid> Failed)
{
    /// <summary>The messages of the turn are not written yet.</summary>
    public bool HoldsBackMessages { get; init; }

    /// <summary>The thread to insert before the messages; null: it is persisted.</summary>
    public ChatThread? Begins { get; init; }

    /// <summary>What the turn cost, by model, once it has ended. Also for a turn whose messages are not stored: it was paid for.</summary>
    public IReadOnlyList<TurnCostRow> Costs { get; init; } = [];
}

/// <summary>
/// The answer to the anchor, and what follows it up to the first message of the new answer. A user message that was stored while the turn
/// of the replaced answer ran, and its own answer, do not follow it.
/// </summary>
/// <param name="Anchor">The user message that the replaced answer and the new one answer.</param>
/// <param name="Through">The position beyond which a user message is newer than the turn: it stays, with what follows it.</param>
/// <param name="First">The first message of the new answer.</param>
internal sealed record ReplacedMessages(Guid ThreadId, Guid Anchor, long Through, Guid First);

/// <param name="Requires">
/// The message without which the session is aborted, because the question of the turn or its answer is gone; null: none.
/// </param>
/// <param name="RequiresContent">What the required message must have; null: anything.</param>
/// <param name="OneTurnOf">
/// The user message of which no other turn may run on a living replica, else the first commit inserts nothing; null: others may.
/// </param>
/// <param name="BringsMessage">
/// The first commit inserts that message. If another turn has inserted it, it inserts nothing, even if that turn has ended.
/// </param>
internal sealed record SessionSnapshot(
    Guid StreamId, Guid ThreadId, Guid MessageId, Guid? UserMessageId, string Principal, string Status, DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt, bool IsNew, bool HasChanged, Guid? Requires, MessageContent? RequiresContent, Guid? OneTurnOf,
    bool BringsMessage)
{
    /// <summary>What the turn cost; null while it runs.</summary>
    public TurnCost? Cost { get; init; }

    /// <summary>The trace of the turn; null: none, or it is persisted.</summary>
    public Guid? TraceId { get; init; }

    /// <summary>See <see cref="TurnTrail"/>; null: unchanged.</summary>
    public string? TrailJson { get; init; }

    public long TrailVersion { get; init; }
}
