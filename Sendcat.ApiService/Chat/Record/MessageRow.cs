using System.Text;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>The current state of a message of a running turn. Guarded by the lock of its <see cref="TurnRecord"/>.</summary>
/// <param name="version">The version of the record that added the message.</param>
internal sealed class MessageRow(Guid id, string role, DateTimeOffset createdAt, long version = 1)
{
    // A StringBuilder with a small initial capacity grows into a long chain of chunks, each of which costs the garbage collector a visit.
    private const int InitialCapacity = 256;

    private StringBuilder? _reasoning;

    public Guid Id => id;

    /// <summary>The version of the record that added the message.</summary>
    public long FirstVersion { get; } = version;

    /// <summary>The version of the record that last changed the message.</summary>
    public long Version { get; set; } = version;

    public required string Status { get; set; }

    public StringBuilder Text { get; } = new(InitialCapacity);

    public StringBuilder Reasoning => _reasoning ??= new(InitialCapacity);

    public string? ModelId { get; set; }

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    public string? ClientId { get; init; }

    public string? AttachmentsJson { get; init; }

    public string? ToolCallsJson { get; set; }

    public string? ProductsJson { get; set; }

    public string? SourcesJson { get; set; }

    /// <param name="isNew">The message is in no confirmed commit yet.</param>
    /// <param name="turn">Stream id of its turn, if the turn is in a confirmed commit; otherwise null.</param>
    public MessageSnapshot Snapshot(Guid threadId, bool isNew, Guid? turn) => new(
        id, threadId, role, StorableText.Sanitize(Text.ToString()), StorableText.Sanitize(ModelId), Status, StorableText.Sanitize(_reasoning?.ToString()),
        StorableText.SanitizeJson(AttachmentsJson), StorableText.SanitizeJson(ToolCallsJson), StorableText.Sanitize(ToolCallId), StorableText.Sanitize(Name),
        StorableText.SanitizeJson(ProductsJson), StorableText.SanitizeJson(SourcesJson), StorableText.Sanitize(ClientId), createdAt, isNew, turn);
}

internal sealed record MessageSnapshot(
    Guid Id, Guid ThreadId, string Role, string Content, string? ModelId, string Status, string? Reasoning, string? AttachmentsJson, string? ToolCallsJson,
    string? ToolCallId, string? Name, string? ProductsJson, string? SourcesJson, string? ClientId, DateTimeOffset CreatedAt, bool IsNew, Guid? Turn);

internal sealed record SessionSnapshot(
    Guid StreamId, Guid ThreadId, Guid MessageId, string Principal, string Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, bool IsNew);

/// <summary>The changes of a turn since its last confirmed commit.</summary>
/// <param name="Version">The version of the record that the changes lead to.</param>
/// <param name="Touches">The commit updates the last-message time of the thread.</param>
/// <param name="Failed">
/// Messages that keep their persisted content and get the status <c>error</c> if they are still <c>streaming</c>.
/// </param>
internal sealed record TurnChanges(
    TurnRecord Record, long Version, IReadOnlyList<MessageSnapshot> Messages, SessionSnapshot Session, bool Touches, IReadOnlyList<Guid> Failed);
