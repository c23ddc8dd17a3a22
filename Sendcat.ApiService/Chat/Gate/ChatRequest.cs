using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>A chat request, independent of the shape of its body.</summary>
internal sealed record ChatRequest
{
    /// <summary>As sent. A malformed id gets the same response as that of a foreign thread.</summary>
    public required string ThreadId { get; init; }

    public string? ModelId { get; init; }

    public bool WebSearch { get; init; }

    public string? SessionId { get; init; }

    /// <summary>Set for a body in <c>useChat</c> shape, which contains the user's message.</summary>
    public UiTurn? Ui { get; init; }

    /// <summary>
    /// Messages that the turn adds to the thread, without those of tool calls: the answer, and the user's message if the request contains
    /// it. A regenerated answer replaces one.
    /// </summary>
    public int NewMessages => Ui switch
    {
        null => 1,
        { Regenerates: true } => 0,
        _ => 2,
    };
}

/// <summary>The part of a chat request that only a body in <c>useChat</c> shape has.</summary>
/// <param name="MessageId">The client's id of the user's message.</param>
/// <param name="Regenerates">The turn replaces the last answer.</param>
/// <param name="RegeneratedId">The message to replace, if the client named it.</param>
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

    /// <summary>The last user message only, from clients that do not post the whole history.</summary>
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
