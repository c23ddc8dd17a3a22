using System.Text.Json;

namespace Sendcat.ApiService.Chat.History;

/// <summary>A row of a thread as the history reads it.</summary>
/// <param name="Turn">The turn whose last message this is; null for other messages and copies.</param>
/// <param name="Asked">Of an answer and its tool results: the user message that it answers; null: unknown.</param>
/// <param name="IsBeingAnswered">Of a user message: a turn that answers it runs.</param>
internal sealed record StoredRow(
    Guid Id, long Seq, string Role, string Content, string? Reasoning, string? ToolCallsJson, string? ToolCallId, JsonElement? Products,
    JsonElement? Sources,
    JsonElement? Attachments, string? ClientId, DateTimeOffset CreatedAt, string? Status, string? ModelId, Guid? Turn, Guid? Asked,
    bool IsBeingAnswered)
{
    /// <summary>Characters in memory.</summary>
    public int Size { get; init; }

    /// <summary>True for a message of an answer that answers another message than the user message before it.</summary>
    public bool IsOfAnother(StoredRow? user) => Asked is { } asked && asked != user?.Id;
}

/// <summary>A user message and the rows of its answer. The first one of a thread may have no user message.</summary>
internal sealed class StoredExchange(StoredRow? user)
{
    public StoredRow? User => user;

    public List<StoredRow> Answer { get; } = [];

    /// <summary>The number of UI messages.</summary>
    public int Messages => (user is null ? 0 : 1) + (Answer.Count == 0 ? 0 : 1);

    /// <summary>The answer is being written, or replaced: a reader gets it from the running turn.</summary>
    public bool IsRunning => user?.IsBeingAnswered == true || Answer.Exists(row => row.Status == Record.MessageStatus.Streaming);
}
