using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Share links: the owner of a thread creates, reads and revokes the link, and anyone with the link may read the shared messages and copy
/// them.
/// </summary>
internal static class ShareEndpoints
{
    public static void MapShares(this IEndpointRouteBuilder app)
    {
        var threads = app.MapGroup("/api/threads/{id}/share").WithTags("Sharing");
        threads.MapPost("", ShareAsync).RequireLimit(RequestBudget.Writing).Takes<NewShare>()
            .As("threads.createShareToken", "Create a share link, or return the active one", 400, 401, 403, 409, 413, 415, 429);
        threads.MapGet("", GetAsync).As("threads.getShare", "The active share link", 401, 403, 404);
        threads.MapDelete("", RevokeAsync).RequireLimit(RequestBudget.Writing)
            .As("threads.revokeShareToken", "Revoke the share link", 401, 403, 429);
        var shares = app.MapGroup("/api/shares/{token}").WithTags("Sharing");
        shares.MapGet("", ReadAsync).As("shares.get", "What is shared under a link; no identity is needed", 400, 404);
        shares.MapPost("/fork", ForkAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<Fork>()
            .As(
                "threads.createShareFork", "Fork a shared thread: a copy of the caller's own; 200 with the first copy", 400, 401, 404, 409,
                413, 415, 429);
    }

    private static async Task<Results<Ok<ShareLink>, ApiError>> ShareAsync(
        HttpContext http, string id, ThreadAccess access, Shares shares, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.NewShare, cancellationToken);
        if (!body.TryGet(out var request, out var refusal)
            || !(await access.OpenAsync(http, id, "threads.createShareToken", request.SessionId, cancellationToken))
                .TryGet(out var open, out refusal)
            || !(await shares.ShareAsync(http, open, request, cancellationToken)).TryGet(out var share, out refusal))
        {
            return refusal;
        }

        return TypedResults.Ok(LinkOf(http, shares, share));
    }

    private static async Task<Results<Ok<ShareLink>, ApiError>> GetAsync(
        HttpContext http, string id, ThreadAccess access, Shares shares, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.getShare", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        return await shares.OfThreadAsync(open.Thread.Id, cancellationToken) is { } share
            ? TypedResults.Ok(LinkOf(http, shares, share))
            : ApiError.NotFound("The thread is not shared");
    }

    private static async Task<Results<NoContent, ApiError>> RevokeAsync(
        HttpContext http, string id, ThreadAccess access, Shares shares, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.revokeShareToken", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        await shares.RevokeAsync(open.Thread.Id, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<SharedView>, ApiError>> ReadAsync(
        string token, Shares shares, SendcatDb db, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 100, max: 200).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!MessageCursor.TryRead(cursor, newestFirst: false, out var after))
        {
            return PageCursor.Invalid;
        }

        if (await shares.FindAsync(token, cancellationToken) is not { } share)
        {
            return NoSuchLink();
        }

        var rows = await db.SharedMessages.AsNoTracking().Where(m => m.ShareId == share.Id && m.Place > after).OrderBy(m => m.Place)
            .Take(count + 1)
                .TagWith("read shared messages").ToListAsync(cancellationToken);
        return TypedResults.Ok(new SharedView(
            share.Title,
            share.SharedAt.UtcDateTime,
            [.. rows.Take(count).Select(SharedMessageView.Of)],
            rows.Count > count ? MessageCursor.Text(rows[count - 1].Place, newestFirst: false) : null));
    }

    private static async Task<Results<Created<ThreadView>, Ok<ThreadView>, ApiError>> ForkAsync(
        HttpContext http, string token, Principals principals, RequestLimits limits, Shares shares, ThreadCopies copies,
        CancellationToken cancellationToken)
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

        if (await shares.FindAsync(token, cancellationToken) is not { } share)
        {
            return NoSuchLink();
        }

        return !(await copies.ForkAsync(http, principal, share, cancellationToken)).TryGet(out var forked, out refusal) ? refusal
            : forked.IsNew ? TypedResults.Created($"/api/threads/{forked.View.Id:D}", forked.View)
            : TypedResults.Ok(forked.View);
    }

    private static ShareLink LinkOf(HttpContext http, Shares shares, SharedThread share) => new(
        share.ShareToken, shares.AddressOf(http.Request, share), share.CreatedAt.UtcDateTime, share.SharedAt.UtcDateTime,
        share.IncludesReasoning,
        share.IncludesAttachments);

    private static ApiError NoSuchLink() => ApiError.NotFound("No such share link");
}
