using System.Text;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat;

/// <summary>A message of a running turn, as it stands now.</summary>
/// <param name="version">Of the record, when the message came.</param>
internal sealed class MessageRow(Guid id, string role, DateTimeOffset createdAt, long version = 1)
{
    // A builder that starts small grows into a chain of pieces, each of which the garbage collector visits.
    private const int FirstCharacters = 256;

    private StringBuilder? reasoning;

    public Guid Id => id;

    /// <summary>The version that it came with.</summary>
    public long FirstVersion { get; } = version;

    /// <summary>The version that changed it last.</summary>
    public long Version { get; set; } = version;

    public required string Status { get; set; }

    public StringBuilder Text { get; } = new(FirstCharacters);

    public StringBuilder Reasoning => reasoning ??= new(FirstCharacters);

    public string? ModelId { get; set; }

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    public string? ClientId { get; init; }

    public string? AttachmentsJson { get; init; }

    public string? ToolCallsJson { get; set; }

    public string? ProductsJson { get; set; }

    /// <param name="isNew">It was in no commit yet.</param>
    /// <param name="turn">Its turn, if that was.</param>
    public MessageSnapshot Snapshot(Guid threadId, bool isNew, Guid? turn) => new(
        id, threadId, role, StoredText.Kept(Text.ToString()), StoredText.Kept(ModelId), Status, StoredText.Kept(reasoning?.ToString()), StoredText.KeptJson(AttachmentsJson), StoredText.KeptJson(ToolCallsJson),
        StoredText.Kept(ToolCallId), StoredText.Kept(Name), StoredText.KeptJson(ProductsJson), StoredText.Kept(ClientId), createdAt, isNew, turn);
}

internal sealed record MessageSnapshot(
    Guid Id, Guid ThreadId, string Role, string Content, string? ModelId, string Status, string? Reasoning, string? AttachmentsJson, string? ToolCallsJson, string? ToolCallId,
    string? Name, string? ProductsJson, string? ClientId, DateTimeOffset CreatedAt, bool IsNew, Guid? Turn);

internal sealed record SessionSnapshot(
    Guid StreamId, Guid ThreadId, Guid MessageId, string Principal, string Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, bool IsNew);

/// <param name="Touches">The thread's last-message time moves.</param>
/// <param name="Failed">Messages that keep what is on record of them, as <c>error</c> if they are still being written.</param>
internal sealed record TurnChanges(TurnRecord Record, long Version, IReadOnlyList<MessageSnapshot> Messages, SessionSnapshot Session, bool Touches, IReadOnlyList<Guid> Failed);
