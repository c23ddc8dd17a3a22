using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Threads;

/// <param name="ClientId">The id that the client invented for the thread, if it was begun under one.</param>
/// <param name="ModelId">The chosen model; omitted: the operator's default model answers.</param>
/// <param name="IsStreaming">True while an answer is being written.</param>
/// <param name="IsShared">True while a share link is active; <c>GET /api/threads/{id}/share</c> has it.</param>
/// <param name="MessageId">The user message that an edit or a retry appended; the next chat turn answers it.</param>
internal sealed record ThreadView(
    Guid Id,
    string? Title,
    string? ModelId,
    bool IsPinned,
    DateTime? LastMessageAt,
    DateTime CreatedAt,
    Guid? ParentThreadId,
    Guid? SharedFromThreadId,
    bool IsStreaming,
    bool IsShared,
    string? ClientId = null,
    Guid? MessageId = null)
{
    public static ThreadView Of(ChatThread t, bool isStreaming = false, bool isShared = false) => new(
        t.Id, t.Title, t.ModelId, t.IsPinned, t.LastMessageAt?.UtcDateTime, t.CreatedAt.UtcDateTime, t.ParentThreadId, t.SharedFromThreadId,
        isStreaming,
        isShared, t.ClientId);
}

internal sealed record MessageView(
    Guid Id,
    Guid ThreadId,
    string Role,
    string Content,
    string? Status,
    string? ModelId,
    string? ReasoningContent,
    IReadOnlyList<MessageAttachmentView>? Attachments,
    JsonElement? ToolCalls,
    string? ToolCallId,
    string? Name,
    JsonElement? Products,
    JsonElement? Sources,
    string? ClientId,
    DateTime CreatedAt)
{
    public static MessageView Of(ChatMessage m) => new(
        m.Id, m.ThreadId, m.Role, m.Content, m.Status, m.ModelId, m.ReasoningContent, MessageAttachmentView.Of(m.Attachments), m.ToolCalls,
        m.ToolCallId, m.Name, m.Products, m.Sources, m.ClientId, m.CreatedAt.UtcDateTime);
}

/// <param name="Class"><c>fast</c> or <c>agent</c>.</param>
/// <param name="Tools">Whether the model calls tools natively; without it a prompt describes the tools.</param>
/// <param name="Vision">Whether the model reads images.</param>
/// <param name="InputPrice">US dollars per million tokens; omitted: unknown.</param>
/// <param name="OutputPrice">US dollars per million tokens; omitted: unknown.</param>
/// <param name="IsDefault">True for the model that answers in a thread without a chosen model.</param>
internal sealed record ModelView(
    string Id, string Name, string Class, bool Tools, bool Vision, decimal? InputPrice, decimal? OutputPrice, bool IsDefault);

internal sealed record NewThread(string? Title, string? ModelId, string? ParentThreadId, string? SessionId) : IValidatable, IOptionalBody
{
    public IEnumerable<string> Problems() => ThreadRules.Problems(Title, ModelId);
}

/// <summary>Omitted fields are not changed.</summary>
/// <param name="ModelId">Empty: back to the operator's default model.</param>
internal sealed record ThreadChange(string? Title, string? ModelId, bool? IsPinned, string? SessionId) : IValidatable, IOptionalBody
{
    public IEnumerable<string> Problems() => ThreadRules.Problems(Title, ModelId is "" ? null : ModelId);
}

/// <param name="Role">Optional; only <c>user</c> is accepted, because clients cannot write messages of other roles.</param>
/// <param name="ClientId">
/// The idempotency key of the client, 1–100 characters; sending it again returns the first message, or 409 with another content.
/// </param>
internal sealed record NewMessage(
    string? Content, IReadOnlyList<AttachmentReference>? Attachments, string? ClientId, string? Role, string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems()
    {
        if (Role is not (null or "user"))
        {
            yield return "role must be user";
        }

        foreach (var problem in ThreadRules.ContentProblems(Content, Attachments))
        {
            yield return problem;
        }

        if (ClientId is not null
            && (ClientId.Length is 0 or > 100 || !ClientId.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':')))
        {
            yield return "clientId must have 1 to 100 letters, digits or -_.:";
        }
    }
}

internal sealed record Claim(string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems() => string.IsNullOrEmpty(SessionId) ? ["sessionId is missing"] : [];
}

internal sealed record Claimed(int ClaimedCount, string UserId);

internal sealed record Deleted(int DeletedCount);

/// <summary>What to share. Without fields: text and products, neither reasoning nor attachments.</summary>
/// <param name="Update">True: a thread that is shared already gets a new snapshot under the same link.</param>
internal sealed record NewShare(bool? IncludeReasoning, bool? IncludeAttachments, bool? Update, string? SessionId) : IOptionalBody;

/// <param name="Url">
/// The full link: <c>APP_URL/share/…</c>; where no <c>APP_URL</c> is configured, <c>/api/shares/…</c> at the address that the request
/// came to.
/// </param>
/// <param name="SharedAt">The moment of the snapshot; later changes of the thread do not show.</param>
internal sealed record ShareLink(
    string ShareToken, string Url, DateTime CreatedAt, DateTime SharedAt, bool IncludesReasoning, bool IncludesAttachments);

/// <param name="SharedAt">The moment of the snapshot.</param>
internal sealed record SharedView(string? Title, DateTime SharedAt, IReadOnlyList<SharedMessageView> Items, string? NextCursor);

/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="ReasoningContent">Only where the owner chose to share it.</param>
/// <param name="Attachments">Only where the owner chose to share them.</param>
internal sealed record SharedMessageView(
    string Role, string Content, string? Status, string? ModelId, string? ReasoningContent, JsonElement? Attachments, JsonElement? Products,
    JsonElement? Sources, DateTime CreatedAt)
{
    public static SharedMessageView Of(SharedMessage m) =>
        new(m.Role, m.Content, m.Status, m.ModelId, m.ReasoningContent, m.Attachments, m.Products, m.Sources, m.CreatedAt.UtcDateTime);
}

internal sealed record Fork(string? SessionId) : IOptionalBody;

/// <summary>The message at which to branch, or the one to retry.</summary>
internal sealed record Branch(string? MessageId, string? SessionId);

/// <param name="Attachments">Omitted: the attachments of the edited message are used.</param>
internal sealed record Edit(
    string? MessageId, string? Content, IReadOnlyList<AttachmentReference>? Attachments, string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems() => ThreadRules.ContentProblems(Content, Attachments);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ThreadView))]
[JsonSerializable(typeof(Page<ThreadView>), TypeInfoPropertyName = "ThreadPage")]
[JsonSerializable(typeof(MessageView))]
[JsonSerializable(typeof(Page<MessageView>), TypeInfoPropertyName = "MessagePage")]
[JsonSerializable(typeof(Page<ModelView>), TypeInfoPropertyName = "ModelPage")]
[JsonSerializable(typeof(NewThread))]
[JsonSerializable(typeof(ThreadChange))]
[JsonSerializable(typeof(NewMessage))]
[JsonSerializable(typeof(Claim))]
[JsonSerializable(typeof(Claimed))]
[JsonSerializable(typeof(Deleted))]
[JsonSerializable(typeof(NewShare))]
[JsonSerializable(typeof(ShareLink))]
[JsonSerializable(typeof(SharedView))]
[JsonSerializable(typeof(Fork))]
[JsonSerializable(typeof(Branch))]
[JsonSerializable(typeof(Edit))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class ThreadsJson : JsonSerializerContext;
