using System.Text;

namespace Sendcat.ApiService.Chat;

/// <summary>A message of a running turn, as it stands now.</summary>
internal sealed class MessageRow(Guid id, string role, DateTimeOffset createdAt)
{
    // A builder that starts small grows into a chain of pieces, each of which the garbage collector visits.
    private const int FirstCharacters = 256;

    private StringBuilder? reasoning;

    public Guid Id => id;

    public long Version { get; set; } = 1;

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

    public MessageSnapshot Snapshot(Guid threadId) => new(
        id, threadId, role, Storable(Text), ModelId, Status, reasoning is null ? null : Storable(reasoning), AttachmentsJson, ToolCallsJson, ToolCallId, Name, ProductsJson, ClientId, createdAt);

    // Postgres keeps every character but this one.
    private static string Storable(StringBuilder text) => text.ToString().Replace("\0", "", StringComparison.Ordinal);
}

internal sealed record MessageSnapshot(
    Guid Id, Guid ThreadId, string Role, string Content, string? ModelId, string Status, string? Reasoning, string? AttachmentsJson, string? ToolCallsJson, string? ToolCallId,
    string? Name, string? ProductsJson, string? ClientId, DateTimeOffset CreatedAt);

internal sealed record SessionSnapshot(
    Guid StreamId, Guid ThreadId, Guid MessageId, string Principal, string Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <param name="Touches">The thread's last-message time moves.</param>
internal sealed record TurnChanges(TurnRecord Record, long Version, IReadOnlyList<MessageSnapshot> Messages, SessionSnapshot Session, bool Touches);
