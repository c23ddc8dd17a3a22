using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Names of the message that a turn answers, for <see cref="AdmissionRequest.Message"/>: concurrent requests that mean one message get one
/// name, so that one of them starts a turn and the others join it.
/// </summary>
internal static class AnsweredMessage
{
    /// <summary>
    /// The name before the thread is read. A request without an id of a message means the last one of the thread, whichever that is. Edits
    /// and regenerations have the name of the message whose answer they replace.
    /// </summary>
    /// <returns>Null for a message that is always new.</returns>
    public static string? NameIn(ChatRequest request, Principal principal) => request switch
    {
        { ThreadId: null } => null,
        { Regeneration: { } regeneration } =>
            Name(principal, request.ThreadId, regeneration.LastUserMessageId ?? regeneration.MessageId ?? ""),
        { Message: { } message } => message.ClientId is { } id ? Name(principal, request.ThreadId, id) : null,
        _ => Name(principal, request.ThreadId, ""),
    };

    /// <summary>True if <see cref="NameIn"/> does not identify one message of the thread.</summary>
    public static bool IsTheLast(ChatRequest request) =>
        request is { Message: null, Regeneration: null } or { Regeneration: { MessageId: null, LastUserMessageId: null } };

    /// <returns>The name of a message that was read; null if there is none.</returns>
    public static string? NameOf(Guid? message, Guid thread, Principal principal) =>
        message is { } id ? Name(principal, thread.ToString(), id.ToString()) : null;

    // Unambiguous, because only the last part may contain a line break.
    private static string Name(Principal principal, string thread, string message) =>
        $"{principal.Key}\n{thread.ToLowerInvariant()}\n{message}";
}
