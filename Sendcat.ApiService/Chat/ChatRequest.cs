using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Chat;

/// <summary>What a client asks for, whichever shape it asked in.</summary>
internal sealed record ChatRequest
{
    /// <summary>As sent; a malformed one is as good as a foreign one.</summary>
    public required string ThreadId { get; init; }

    public string? ModelId { get; init; }

    public bool WebSearch { get; init; }

    public string? SessionId { get; init; }

    /// <summary>The request came in <c>useChat</c> shape and brings the user's message along.</summary>
    public UiTurn? Ui { get; init; }

    /// <summary>Messages that its turn adds to the thread, tool calls aside: the answer, and the user's message if it comes along. A new answer replaces one.</summary>
    public int NewMessages => Ui switch
    {
        null => 1,
        { Regenerates: true } => 0,
        _ => 2,
    };
}

/// <param name="MessageId">The client's id of the user's message.</param>
/// <param name="Regenerates">The last answer is to be replaced.</param>
/// <param name="RegeneratedId">The message to replace, when the client named it.</param>
internal sealed record UiTurn(string? MessageId, string? Text, IReadOnlyList<UiFile> Files, bool Regenerates, string? RegeneratedId);

internal sealed record UiFile(string Url, string MediaType, string Name);

/// <summary>Body of a request with <c>threadId</c>, or of one in <c>useChat</c> shape; unknown fields are ignored.</summary>
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

    /// <summary>The last user message alone, from clients that trim what they post.</summary>
    public JsonElement? Message { get; init; }
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
