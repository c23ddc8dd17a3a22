using System.Text.Json;
using Sendcat.ApiService.Attachments;

namespace Sendcat.ApiService.Threads;

/// <summary>One message. <see cref="Seq"/> orders the messages of a thread. Ids of different replicas have no defined order.</summary>
internal sealed class ChatMessage
{
    public required Guid Id { get; init; }

    public long Seq { get; init; }

    public required Guid ThreadId { get; init; }

    /// <summary><c>user</c>, <c>assistant</c>, <c>system</c> or <c>tool</c>.</summary>
    public required string Role { get; init; }

    public required string Content { get; set; }

    public string? ModelId { get; init; }

    /// <summary><c>streaming</c>, <c>completed</c>, <c>error</c> or <c>aborted</c>; null counts as completed.</summary>
    public string? Status { get; set; }

    public string? ReasoningContent { get; set; }

    /// <summary>Array of <see cref="MessageAttachment"/>.</summary>
    public JsonElement? Attachments { get; init; }

    public JsonElement? ToolCalls { get; set; }

    public string? ToolCallId { get; init; }

    public string? Name { get; init; }

    public JsonElement? Products { get; set; }

    /// <summary>Array of the web pages that searches of the turn found: title, url, snippet.</summary>
    public JsonElement? Sources { get; set; }

    /// <summary>Of an answer and its tool results: the user message that their turn answers. Null: unknown, or there is none.</summary>
    public Guid? AnswersId { get; init; }

    /// <summary>
    /// Of an edited message: the versions that edits replaced, an array of <see cref="ReplacedVersion"/>, the newest first.
    /// </summary>
    public JsonElement? Edits { get; init; }

    /// <summary>The idempotency key of the client: sending it again with the same content returns the first message.</summary>
    public string? ClientId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Parts of the text of a message with the status <c>streaming</c>; empty if they were not read.</summary>
    public List<MessagePart> Parts { get; init; } = [];

    /// <summary>Appends the <see cref="Parts"/> that were read to the texts.</summary>
    public ChatMessage WithParts()
    {
        if (Status == "streaming" && Parts.Count > 0)
        {
            Content += string.Concat(Parts.Select(part => part.Content));
            ReasoningContent = ReasoningContent + string.Concat(Parts.Select(part => part.ReasoningContent)) is { Length: > 0 } text
                ? text
                : null;
        }

        return this;
    }
}
