using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// The checks of the requests about a turn that exists: abort, abort by thread and resume. They run in the order of <see cref="ChatGate"/>,
/// as far as they apply: address limiter, body, principal, thread. The origin and the method are checked before this class.
/// </summary>
internal sealed class ThreadGate(ChatAddressLimiter addressLimiter, Principals principals, ThreadOwnership threads)
{
    /// <summary>Checks a request that resumes the turn of a thread.</summary>
    /// <param name="mayBeUnused">As in <see cref="ThreadOwnership.CheckAsync"/>.</param>
    /// <returns>The thread, or the error to send.</returns>
    public async ValueTask<Outcome<Guid>> PassAsync(HttpContext http, string threadId, bool mayBeUnused = false) =>
        (addressLimiter.Check(http) ?? RequestedDialect.Check(http)) is { } refusal
            ? refusal
            : await OwnedAsync(http, threadId, sessionId: null, mayBeUnused);

    /// <summary>Checks the abort of a thread that its principal may just be beginning.</summary>
    /// <returns>
    /// The thread, or <see cref="Guid.Empty"/> for an id that is unused as in <see cref="ThreadOwnership.CheckAsync"/>, and the principal;
    /// or the error to send.
    /// </returns>
    public async ValueTask<Outcome<(Guid Thread, Principal Principal)>> PassAbortAllAsync(HttpContext http, string threadId)
    {
        if (addressLimiter.Check(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!principals.Read(http, null).TryGet(out var principal, out var unknown))
        {
            return unknown;
        }

        return (await threads.CheckAsync(threadId, principal, mayBeUnused: true, http.RequestAborted))
            .TryGet(out var thread, out var refusal)
            ? (thread, principal)
            : refusal;
    }

    /// <summary>Checks a request whose body names the thread and the turn.</summary>
    /// <returns>The thread and the body, or the error to send.</returns>
    public async ValueTask<Outcome<(Guid Thread, AbortBody Body)>> PassAbortAsync(HttpContext http)
    {
        if (addressLimiter.Check(http) is { } tooMany)
        {
            return tooMany;
        }

        if (!(await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ChatJson.Default.AbortBody, http.RequestAborted))
            .TryGet(out var body, out var malformed))
        {
            return malformed;
        }

        if (body.ThreadId is not { Length: > 0 } || body.MessageId is not { Length: > 0 }
            || body.SessionId is { Length: 0 } || body.StreamId is { Length: 0 })
        {
            return ApiError.InvalidRequest(
                "Invalid request: threadId and messageId are required, sessionId and streamId must not be empty");
        }

        return (await OwnedAsync(http, body.ThreadId, body.SessionId, mayBeUnused: false)).TryGet(out var thread, out var refusal)
            ? (thread, body)
            : refusal;
    }

    private async ValueTask<Outcome<Guid>> OwnedAsync(HttpContext http, string threadId, string? sessionId, bool mayBeUnused) =>
        principals.Read(http, sessionId).TryGet(out var principal, out var unknown)
            ? await threads.CheckAsync(threadId, principal, mayBeUnused, http.RequestAborted)
            : unknown;
}
