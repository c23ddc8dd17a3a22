using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Attachments;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>A chat request, independent of the shape of its body.</summary>
internal sealed record ChatRequest
{
    /// <summary>As sent; null: the turn begins a thread. A malformed id gets the same response as that of a foreign thread.</summary>
    public string? ThreadId { get; init; }

    public string? ModelId { get; init; }

    public bool WebSearch { get; init; }

    public string? SessionId { get; init; }

    /// <summary>The body has the <c>useChat</c> shape, so the response is in the dialect of the AI SDK.</summary>
    public bool IsUi { get; init; }

    /// <summary>The user's message, if the request contains it; of a regeneration, the message that is answered again.</summary>
    public UserMessage? Message { get; init; }

    /// <summary>Set when the turn replaces an answer.</summary>
    public Regeneration? Regeneration { get; init; }

    /// <summary>The client's id of the message that it says it has edited.</summary>
    public string? EditedId { get; init; }

    /// <summary>
    /// The idempotency key of a request that names its message by an id of its own, or that names none: it is part of the stream id, see
    /// <see cref="Engine.StreamIds"/>. Null: none, or the key is the id of the message.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>
    /// The request may begin a thread: it names none, or it has the <c>useChat</c> shape and names one by an id that the client invented.
    /// </summary>
    public bool MayBeginThread => Message is not null && (IsUi || BeginsThread);

    /// <summary>The request names no thread. Its <see cref="ThreadId"/> is its idempotency key, if it has one.</summary>
    public bool BeginsThread { get; init; }
}

/// <param name="ClientId">The client's id of the message.</param>
internal sealed record UserMessage(string? ClientId, string Text, IReadOnlyList<UiFile> Files)
{
    /// <summary>The id is the idempotency key of the request.</summary>
    public bool HasIdFromKey { get; init; }
}

/// <summary>An answer is replaced: the named one, else that of the last user message that the client shows, else the last one.</summary>
/// <param name="MessageId">The answer to replace, or the user message to answer again, if the client named one.</param>
/// <param name="LastUserMessageId">The client's id of the last user message that it shows.</param>
internal sealed record Regeneration(string? MessageId, string? LastUserMessageId);

/// <param name="Url">As sent; empty: the part has none.</param>
/// <param name="MediaType">
/// What the client says; null: nothing. Used for a web address alone: the type of a stored file is that of its content.
/// </param>
internal sealed record UiFile(string Url, string? MediaType, string Name);

/// <summary>
/// Body of a request in Sendcat's shape (<c>threadId</c>, or a <c>message</c> that is a text), or of one in <c>useChat</c> shape; unknown
/// fields are ignored.
/// </summary>
internal sealed record ChatBody
{
    public string? ThreadId { get; init; }

    public string? ModelId { get; init; }

    public bool? WebSearch { get; init; }

    public string? SessionId { get; init; }

    public string? Id { get; init; }

    public string? Trigger { get; init; }

    public string? MessageId { get; init; }

    /// <summary>The whole history, of which only the last user message is read.</summary>
    public JsonElement? Messages { get; init; }

    /// <summary>
    /// A text: the user's message in Sendcat's shape. An object: the last user message only, from <c>useChat</c> clients that do not post
    /// the whole history.
    /// </summary>
    public JsonElement? Message { get; init; }

    /// <summary>The client's id of a message in Sendcat's shape.</summary>
    public string? ClientId { get; init; }

    /// <summary>Uploaded files of a message in Sendcat's shape.</summary>
    public IReadOnlyList<AttachmentReference>? Attachments { get; init; }
}

internal sealed record AbortBody
{
    public string? ThreadId { get; init; }

    public string? MessageId { get; init; }

    public string? SessionId { get; init; }

    public string? StreamId { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(ChatBody))]
[JsonSerializable(typeof(AbortBody))]
internal sealed partial class ChatJson : JsonSerializerContext;
