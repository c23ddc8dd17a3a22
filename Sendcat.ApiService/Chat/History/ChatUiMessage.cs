using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat.History;

/// <summary>
/// A stored message as <c>useChat</c> of the AI SDK shows it: a <c>UIMessage</c>. An answer is one message, with the parts of all its
/// steps.
/// </summary>
/// <param name="Id">Of a user message its client id, if it has one; of an answer the <c>messageId</c> of its <c>start</c> event.</param>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
internal sealed record ChatUiMessage(string Id, string Role, IReadOnlyList<ChatUiPart> Parts, ChatUiMetadata Metadata);

/// <summary>
/// A part of a message. By <c>type</c>: <c>text</c> and <c>reasoning</c> have <c>text</c> and <c>state</c>; <c>file</c> has
/// <c>mediaType</c>, <c>filename</c> and <c>url</c>; <c>tool-NAME</c> has <c>toolCallId</c>, <c>state</c>, <c>input</c>, and <c>output</c>
/// or <c>errorText</c>; <c>source-url</c> has <c>sourceId</c>, <c>url</c> and <c>title</c>; <c>data-step</c> has <c>id</c> and <c>data</c>;
/// <c>step-start</c> has no other field.
/// </summary>
internal sealed record ChatUiPart(string Type)
{
    public string? Text { get; init; }

    /// <summary><c>done</c>; of a tool call <c>output-available</c> or <c>output-error</c>.</summary>
    public string? State { get; init; }

    public string? MediaType { get; init; }

    public string? Filename { get; init; }

    /// <summary>A web address, or for an attachment the path of this API that its owner reads it from.</summary>
    public string? Url { get; init; }

    public string? ToolCallId { get; init; }

    /// <summary>The arguments of the call; absent when the model wrote none that can be parsed.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>What the model wrote instead of arguments.</summary>
    public string? RawInput { get; init; }

    public JsonElement? Output { get; init; }

    public string? ErrorText { get; init; }

    public string? SourceId { get; init; }

    public string? Title { get; init; }

    public string? Id { get; init; }

    public ChatUiStep? Data { get; init; }
}

/// <param name="MessageId">The stored message of this step, an item of <c>GET /api/threads/{id}/messages</c>.</param>
internal sealed record ChatUiStep(int Index, string MessageId);

/// <param name="StreamId">The turn of an answer; absent for copies of answers.</param>
/// <param name="Status"><c>completed</c>, <c>error</c> or <c>aborted</c>.</param>
/// <param name="ModelId">The model that answered.</param>
internal sealed record ChatUiMetadata(string ThreadId, string? StreamId, DateTime CreatedAt, string Status, string? ModelId);

/// <summary>The result of a search: its rows, and the text that the model got.</summary>
internal sealed record ChatUiOutput(JsonElement Results, string Text);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<ChatUiMessage>), TypeInfoPropertyName = "ChatUiMessagePage")]
[JsonSerializable(typeof(ChatUiOutput))]
internal sealed partial class ChatUiJson : JsonSerializerContext;
