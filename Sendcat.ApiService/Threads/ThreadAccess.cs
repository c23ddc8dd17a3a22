using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>Whose a thread is, as its row says.</summary>
internal readonly record struct ThreadOwner(string? UserId, string SessionId);

/// <summary>A thread together with the one who may see it.</summary>
internal sealed record OpenThread(Principal Principal, ChatThread Thread);

/// <summary>The one guard of threads and of all that belongs to them. A foreign, a missing and a malformed id get the same answer, so that nobody can learn what exists.</summary>
internal sealed class ThreadAccess(SendcatDb db, Principals principals, ILogger<ThreadAccess> logger)
{
    /// <param name="owner">Null for a thread that is not there.</param>
    public static bool Permits(Principal principal, ThreadOwner? owner) => owner is { } row && principal.Owns(row.UserId, row.SessionId);

    /// <summary>Ids are UUIDs in the form with dashes; nothing else is one.</summary>
    public static bool IsId(string? id, out Guid parsed) => Guid.TryParseExact(id, "D", out parsed);

    /// <param name="function">Names the operation in the log, for instance <c>threads.get</c>.</param>
    public async Task<Outcome<OpenThread>> OpenAsync(HttpContext http, string threadId, string function, string? bodySessionId, CancellationToken cancellationToken)
    {
        if (!principals.Read(http, bodySessionId).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var thread = IsId(threadId, out var id) ? await db.Threads.AsNoTracking().TagWith("read thread").SingleOrDefaultAsync(t => t.Id == id, cancellationToken) : null;
        return thread is not null && Permits(principal, new(thread.UserId, thread.SessionId)) ? new OpenThread(principal, thread) : Refused(principal, function);
    }

    public ApiError Refused(Principal principal, string function)
    {
        logger.AccessRefused(principal.LogName, function);
        return ApiError.Forbidden("No such thread, or not yours");
    }
}
