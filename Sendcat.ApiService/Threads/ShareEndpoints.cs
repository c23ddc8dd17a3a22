using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>Share links: the owner of a thread creates and revokes the link, and anyone with the link may copy the thread.</summary>
internal static class ShareEndpoints
{
    /// <summary>The prefix of tokens in older links.</summary>
    private const string LegacyPrefix = "share_";

    public static void MapShares(this IEndpointRouteBuilder app)
    {
        var threads = app.MapGroup("/api/threads/{id}/share").WithTags("Sharing");
        threads.MapPost("", ShareAsync).RequireLimit(RequestBudget.Writing).As("threads.createShareToken", "Create a share link, or return the active one", 401, 403, 429);
        threads.MapDelete("", RevokeAsync).RequireLimit(RequestBudget.Writing).As("threads.revokeShareToken", "Revoke the share link", 401, 403, 429);
        app.MapPost("/api/shares/{token}/fork", ForkAsync).WithTags("Sharing").RequireLimit(RequestBudget.ThreadCreate).Takes<Fork>()
            .As("threads.createShareFork", "Copy a shared thread into a new thread of the caller", 400, 401, 404, 409, 413, 415, 429);
    }

    private static async Task<Results<Ok<ShareLink>, ApiError>> ShareAsync(
        HttpContext http, string id, ThreadAccess access, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.createShareToken", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        var now = time.Now();
        // A random UUID instead of a time-ordered one: the token is the only secret of the link.
        await db.Database.ExecuteSqlAsync(
            $"""
            -- create share link
            INSERT INTO shared_threads (id, thread_id, share_token, created_by_user_id, created_by_session_id, created_at, is_revoked)
            VALUES ({Guid.CreateVersion7(now)}, {open.Thread.Id}, {Guid.NewGuid().ToString("D")}, {open.Principal.UserId}, {open.Principal.SessionId}, {now}, FALSE)
            ON CONFLICT (thread_id) WHERE NOT is_revoked DO NOTHING
            """,
            cancellationToken);
        var token = await db.SharedThreads.Where(s => s.ThreadId == open.Thread.Id && !s.IsRevoked).Select(s => s.ShareToken).FirstOrDefaultAsync(cancellationToken);
        return token is null ? access.Refused(open.Principal, "threads.createShareToken") : TypedResults.Ok(new ShareLink(token));
    }

    private static async Task<Results<NoContent, ApiError>> RevokeAsync(
        HttpContext http, string id, ThreadAccess access, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.revokeShareToken", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        await db.SharedThreads.Where(s => s.ThreadId == open.Thread.Id && !s.IsRevoked)
            .ExecuteUpdateAsync(set => set.SetProperty(s => s.IsRevoked, true), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> ForkAsync(
        HttpContext http, string token, Principals principals, RequestLimits limits, ThreadCopies copies, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Fork, cancellationToken);
        if (!body.TryGet(out var fork, out var refusal) || !principals.Read(http, fork.SessionId).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        if (await limits.RefusalAsync(http, RequestBudget.ThreadCreate, principal.Key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        var key = token.StartsWith(LegacyPrefix, StringComparison.Ordinal) ? token[LegacyPrefix.Length..] : token;
        var origin = StoredText.Fits(key, 100)
            ? await db.SharedThreads
                .Where(s => s.ShareToken == key && !s.IsRevoked)
                .Join(db.Threads, s => s.ThreadId, t => t.Id, (_, t) => t)
                .AsNoTracking()
                .SingleOrDefaultAsync(cancellationToken)
            : null;
        if (origin is null)
        {
            return ApiError.NotFound("No such share link");
        }

        var copy = ThreadCopies.NewThread(principal, time.Now(), origin.ModelId, origin.Title ?? "Shared chat", parent: origin.Id, sharedFrom: origin.Id);
        return (await copies.CopyAsync(http, principal, origin.Id, copy, before: null, next: null, cancellationToken)).TryGet(out var view, out refusal)
            ? TypedResults.Created($"/api/threads/{view.Id:D}", view)
            : refusal;
    }
}
