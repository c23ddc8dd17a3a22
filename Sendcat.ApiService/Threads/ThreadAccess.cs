using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>The owner of a thread, from its row.</summary>
internal readonly record struct ThreadOwner(string? UserId, string SessionId);

/// <summary>A thread and the principal that may access it.</summary>
internal sealed record OpenThread(Principal Principal, ChatThread Thread);

/// <summary>
/// Authorizes every access to threads and to all that belongs to them. A foreign, a missing and a malformed id get the same response, so
/// that a response does not reveal which threads exist.
/// </summary>
internal sealed class ThreadAccess(SendcatDb db, Principals principals, ILogger<ThreadAccess> logger)
{
    /// <summary>True when the principal may access a thread of this owner.</summary>
    /// <param name="principal">The caller.</param>
    /// <param name="owner">Null for a thread that does not exist.</param>
    public static bool Permits(Principal principal, ThreadOwner? owner) => owner is { } row && principal.Owns(row.UserId, row.SessionId);

    /// <summary>True for a UUID with dashes, the only accepted form of an id.</summary>
    public static bool IsId(string? id, out Guid parsed) => Guid.TryParseExact(id, "D", out parsed);

    /// <summary>Reads a thread and checks that the caller may access it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="threadId">The id in the route: the thread's own, or the one that the client invented for it.</param>
    /// <param name="function">The operation to log, for instance <c>threads.get</c>.</param>
    /// <param name="bodySessionId">The <c>sessionId</c> of the body, if there is one.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <returns>The thread and its principal; 401 without a valid principal, 403 when the thread cannot be accessed.</returns>
    public async Task<Outcome<OpenThread>> OpenAsync(
        HttpContext http, string threadId, string function, string? bodySessionId, CancellationToken cancellationToken)
    {
        if (!principals.Read(http, bodySessionId).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        return await FindAsync(principal, threadId, cancellationToken) is { } thread
            ? new OpenThread(principal, thread)
            : Refused(principal, function);
    }

    /// <returns>The thread of the principal with this id or client id; null if there is none.</returns>
    private async Task<ChatThread?> FindAsync(Principal principal, string threadId, CancellationToken cancellationToken)
    {
        if (!ThreadName.TryParse(threadId, out var name))
        {
            return null;
        }

        foreach (var (id, clientId) in name.Lookups())
        {
            var found = id is not null
                ? db.Threads.Where(t => t.Id == id)
                : db.Threads
                    .Where(
                        t => t.ClientId == clientId
                            && ((t.UserId != null && t.UserId == principal.UserId)
                                || (t.UserId == null && t.SessionId == principal.SessionId)))
                    .OrderBy(t => t.UserId == null);
            if (await found.AsNoTracking().TagWith("read thread").FirstOrDefaultAsync(cancellationToken) is { } thread
                && Permits(principal, new(thread.UserId, thread.SessionId)))
            {
                return thread;
            }
        }

        return null;
    }

    /// <summary>Logs the denied access and returns the 403 response.</summary>
    public ApiError Refused(Principal principal, string function)
    {
        logger.AccessRefused(principal.LogName, function);
        return ApiError.Forbidden("No such thread, or not yours");
    }
}
