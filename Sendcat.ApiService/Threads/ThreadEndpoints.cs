using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.StorageQuotas;
using Sendcat.ApiService.Threads.Events;

namespace Sendcat.ApiService.Threads;

/// <summary><c>/api/threads</c>.</summary>
internal static class ThreadEndpoints
{
    public static void MapThreadEndpoints(this IEndpointRouteBuilder app)
    {
        var threads = app.MapGroup("/api/threads").WithTags("Threads");
        threads.MapPost("", CreateAsync).RequireLimit(RequestBudget.ThreadCreate).Takes<NewThread>()
            .As("threads.create", "Create a thread", 400, 401, 403, 409, 413, 415, 429);
        threads.MapGet("", ListAsync).As("threads.list", "The caller's threads, pinned first, then by the latest message", 400, 401);
        threads.MapPost("/claim", ClaimAsync).RequireLimit(RequestBudget.Writing).Takes<Claim>()
            .As("threads.claim", "Claim threads: those of an anonymous session become the caller's", 400, 401, 413, 415, 429);
        threads.MapGet("/{id}", GetAsync).As("threads.get", "One thread", 401, 403);
        threads.MapPatch("/{id}", ChangeAsync).RequireLimit(RequestBudget.Writing).Takes<ThreadChange>()
            .As("threads.update", "Rename, pin or change the model", 400, 401, 403, 413, 415, 429);
        threads.MapDelete("/{id}", DeleteAsync).RequireLimit(RequestBudget.Writing)
            .As("threads.remove", "Delete a thread and all that belongs to it", 401, 403, 429);
    }

    private static async Task<Results<Created<ThreadView>, ApiError>> CreateAsync(
        HttpContext http, Principals principals, ThreadAccess access, ThreadModels models, RequestLimits limits, Quotas quotas,
        SendcatDb db, TimeProvider time,
        CancellationToken cancellationToken)
    {
        const string Function = "threads.create";
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.NewThread, cancellationToken);
        if (!body.TryGet(out var request, out var refusal)
            || !principals.Read(http, request.SessionId).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        if (models.Check(principal, request.ModelId) is { } notAllowed)
        {
            return notAllowed;
        }

        if (await limits.RefusalAsync(http, RequestBudget.ThreadCreate, principal.Key, cancellationToken) is { } tooMany)
        {
            return tooMany;
        }

        Guid? parent = null;
        if (request.ParentThreadId is not null)
        {
            if (!(await access.OpenAsync(http, request.ParentThreadId, Function, request.SessionId, cancellationToken))
                .TryGet(out var opened, out refusal))
            {
                return refusal;
            }

            parent = opened.Thread.Id;
        }

        if (await quotas.CheckThreadAsync(principal, messages: 0, bytes: 0, cancellationToken) is { } full)
        {
            return full;
        }

        var thread = ThreadCopies.NewThread(principal, time.Now(), request.ModelId, request.Title?.Trim(), parent, sharedFrom: null);
        db.Threads.Add(thread);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created($"/api/threads/{thread.Id:D}", ThreadView.Of(thread));
    }

    private static async Task<Results<Ok<Page<ThreadView>>, ApiError>> ListAsync(
        HttpContext http, Principals principals, ThreadList list, string? search, string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!PageLimit.Read(limit, fallback: 50, max: 100).TryGet(out var count, out var refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, ThreadList.Parts, out var after))
        {
            return PageCursor.Invalid;
        }

        if (!StoredText.Fits(search, ThreadRules.LongestTitle))
        {
            return ApiError.InvalidRequest("search is too long");
        }

        return principals.Read(http).TryGet(out var principal, out refusal)
            ? TypedResults.Ok(await list.ReadAsync(principal, search?.Trim(), after, count, cancellationToken))
            : refusal;
    }

    private static async Task<Results<Ok<Claimed>, ApiError>> ClaimAsync(
        HttpContext http, Principals principals, ThreadAdoption adoption, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.Claim, cancellationToken);
        if (!body.TryGet(out var claim, out var refusal)
            || !principals.ReadUser(http, claim.SessionId).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        return !principal.HasSignedSession
            ? ApiError.InvalidRequest("The session id is not valid")
            : TypedResults.Ok(
                new Claimed(await adoption.AdoptAsync(principal.UserId!, principal.SessionId, cancellationToken), principal.UserId!));
    }

    private static async Task<Results<Ok<ThreadView>, ApiError>> GetAsync(
        HttpContext http, string id, ThreadAccess access, ThreadList list, CancellationToken cancellationToken)
    {
        const string Function = "threads.get";
        if (!(await access.OpenAsync(http, id, Function, null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        return await list.FindAsync(open.Thread.Id, cancellationToken) is { } view
            ? TypedResults.Ok(view)
            : access.Refused(open.Principal, Function);
    }

    private static async Task<Results<Ok<ThreadView>, ApiError>> ChangeAsync(
        HttpContext http, string id, ThreadAccess access, ThreadModels models, ThreadList list, SendcatDb db,
        CancellationToken cancellationToken)
    {
        const string Function = "threads.update";
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ThreadsJson.Default.ThreadChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal)
            || !(await access.OpenAsync(http, id, Function, change.SessionId, cancellationToken)).TryGet(out var open, out refusal))
        {
            return refusal;
        }

        if (models.Check(open.Principal, change.ModelId) is { } notAllowed)
        {
            return notAllowed;
        }

        if (change is not { Title: null, ModelId: null, IsPinned: null })
        {
            await db.Threads.Where(t => t.Id == open.Thread.Id).ExecuteUpdateAsync(
                set => set
                    .SetProperty(t => t.Title, t => change.Title != null ? change.Title.Trim() : t.Title)
                    .SetProperty(t => t.ModelId, t => change.ModelId == null ? t.ModelId : change.ModelId == "" ? null : change.ModelId)
                    .SetProperty(t => t.IsPinned, t => change.IsPinned ?? t.IsPinned),
                cancellationToken);
        }

        return await list.FindAsync(open.Thread.Id, cancellationToken) is { } view
            ? TypedResults.Ok(view)
            : access.Refused(open.Principal, Function);
    }

    private static async Task<Results<NoContent, ApiError>> DeleteAsync(
        HttpContext http, string id, ThreadAccess access, ThreadSignals signals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await access.OpenAsync(http, id, "threads.remove", null, cancellationToken)).TryGet(out var open, out var refusal))
        {
            return refusal;
        }

        await db.Threads.Where(t => t.Id == open.Thread.Id).ExecuteDeleteAsync(cancellationToken);
        signals.Changed(open.Thread.Id);
        return TypedResults.NoContent();
    }
}
