using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Threads.Events;

/// <summary>What a reader of a thread is notified of: that something changed, and where to read it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Ready), "ready")]
[JsonDerivedType(typeof(Message), "message")]
[JsonDerivedType(typeof(TurnStarted), "turn-started")]
[JsonDerivedType(typeof(TurnEnded), "turn-ended")]
[JsonDerivedType(typeof(MessagesChanged), "messages-changed")]
[JsonDerivedType(typeof(Closed), "closed")]
internal abstract record ThreadEvent
{
    /// <summary>The first event of a reader without a position: what happens from now on is reported.</summary>
    public sealed record Ready : ThreadEvent;

    /// <summary>The thread has a new message, or an edited one with the id that it had.</summary>
    /// <param name="MessageId">The id for <c>GET /api/threads/{id}/messages/{messageId}</c>.</param>
    /// <param name="Role"><c>user</c>, <c>assistant</c> or <c>tool</c>; messages of tools are not for showing.</param>
    /// <param name="Status"><c>streaming</c> for an answer that is being written.</param>
    /// <param name="ClientId">The id that the client gave the message, if any: a tab recognizes its own messages by it.</param>
    public sealed record Message(Guid MessageId, string Role, string Status, string? ClientId, DateTime CreatedAt) : ThreadEvent;

    /// <summary>A turn began: <c>GET /api/chat/{threadId}/stream</c> follows it.</summary>
    /// <param name="StreamId">The id of the turn, as in the <c>start</c> event of its stream.</param>
    /// <param name="MessageId">The message that it writes.</param>
    public sealed record TurnStarted(string StreamId, Guid MessageId) : ThreadEvent;

    /// <summary>A turn ended; its messages are committed. Every <see cref="TurnStarted"/> is followed by one.</summary>
    /// <param name="StreamId">The id of the turn.</param>
    /// <param name="MessageId">The last message that it wrote; null when the status is <c>removed</c>.</param>
    /// <param name="Status">
    /// <c>completed</c>, <c>error</c> or <c>aborted</c>; <c>removed</c>: while the reader was away, it ended and its messages were deleted.
    /// </param>
    public sealed record TurnEnded(string StreamId, Guid? MessageId, string Status) : ThreadEvent
    {
        public const string Removed = "removed";
    }

    /// <summary>Messages were removed or edited, or added before the last one: the list has to be read again.</summary>
    public sealed record MessagesChanged : ThreadEvent;

    /// <summary>The thread was deleted, belongs to another principal now, or the sign-in of the reader has ended. The last event.</summary>
    public sealed record Closed : ThreadEvent;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ThreadEvent))]
internal sealed partial class ThreadEventJson : JsonSerializerContext;
