using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary><c>/api/favorites/lists</c>.</summary>
internal static class FavoriteListEndpoints
{
    /// <summary>Maximum lists per user. All of them fit into one page, so the list endpoint has no paging.</summary>
    private const int MaxLists = 200;

    public static void MapFavoriteLists(this IEndpointRouteBuilder app)
    {
        var lists = app.MapGroup("/api/favorites/lists").WithTags("Favorites");
        lists.MapGet("", ListAsync).RequireLimit(RequestBudget.Shopping).As("favorites.lists", "The caller's lists by name", 401, 429);
        lists.MapPost("", CreateAsync).RequireLimit(RequestBudget.Shopping).Takes<FavoriteListName>()
            .As("favorites.createList", "Begin a list", 400, 401, 409, 413, 415, 429);
        lists.MapPatch("/{id}", RenameAsync).RequireLimit(RequestBudget.Shopping).Takes<FavoriteListName>()
            .As("favorites.renameList", "Rename a list", 400, 401, 403, 409, 413, 415, 429);
        lists.MapDelete("/{id}", DeleteAsync).RequireLimit(RequestBudget.Shopping)
            .As("favorites.deleteList", "Delete a list and the favourites in it, if it is there", 401, 429);
    }

    /// <summary>Finds a list of the caller; null if the id is malformed, does not exist or belongs to another user.</summary>
    public static async Task<FavoriteList?> FindAsync(SendcatDb db, Principal principal, string id, CancellationToken cancellationToken) =>
        principal.UserId is { } user && Guid.TryParseExact(id, "D", out var list)
            ? await db.FavoriteLists.SingleOrDefaultAsync(l => l.Id == list && l.UserId == user, cancellationToken)
            : null;

    private static async Task<Results<Ok<Page<FavoriteListView>>, ApiError>> ListAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var favorites = db.Favorites;
        var lists = await db.FavoriteLists.AsNoTracking().Where(l => l.UserId == principal.UserId)
            .OrderBy(l => l.Name).ThenBy(l => l.Id).Take(MaxLists)
            .Select(l => new { List = l, Count = favorites.Count(f => f.ListId == l.Id) })
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<FavoriteListView>([.. lists.Select(row => ViewOf(row.List, row.Count))], null));
    }

    private static async Task<Results<Created<FavoriteListView>, ApiError>> CreateAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ShoppingJson.Default.FavoriteListName, cancellationToken);
        if (!body.TryGet(out var request, out var refusal)
            || !(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        if (await db.FavoriteLists.CountAsync(l => l.UserId == principal.UserId, cancellationToken) >= MaxLists)
        {
            return ApiError.InvalidRequest($"There are {MaxLists} lists already");
        }

        var now = time.Now();
        var list = new FavoriteList
        {
            Id = Guid.CreateVersion7(now), UserId = principal.UserId!, Name = request.Name!.Trim(), CreatedAt = now,
        };
        db.FavoriteLists.Add(list);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException failed) when (
            failed.InnerException is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation })
        {
            return ApiError.Unauthorized("The account does not exist any more");
        }
        catch (DbUpdateException failed) when (failed.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return NameTaken();
        }

        return TypedResults.Created($"/api/favorites/lists/{list.Id:D}", ViewOf(list, 0));
    }

    private static async Task<Results<Ok<FavoriteListView>, ApiError>> RenameAsync(
        HttpContext http, string id, ShoppingGuard guard, SendcatDb db, ILogger<FavoriteList> logger, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ShoppingJson.Default.FavoriteListName, cancellationToken);
        if (!body.TryGet(out var request, out var refusal)
            || !(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        if (await FindAsync(db, principal, id, cancellationToken) is not { } list)
        {
            return FavoriteEndpoints.Refused(logger, principal, "favorites.renameList");
        }

        try
        {
            await db.FavoriteLists.Where(l => l.Id == list.Id)
                .ExecuteUpdateAsync(set => set.SetProperty(l => l.Name, request.Name!.Trim()), cancellationToken);
        }
        catch (PostgresException failed) when (failed.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return NameTaken();
        }

        list.Name = request.Name!.Trim();
        return TypedResults.Ok(ViewOf(list, await db.Favorites.CountAsync(f => f.ListId == list.Id, cancellationToken)));
    }

    private static async Task<Results<NoContent, ApiError>> DeleteAsync(
        HttpContext http, string id, ShoppingGuard guard, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (Guid.TryParseExact(id, "D", out var list))
        {
            await db.FavoriteLists.Where(l => l.Id == list && l.UserId == principal.UserId).ExecuteDeleteAsync(cancellationToken);
        }

        return TypedResults.NoContent();
    }

    private static ApiError NameTaken() => ApiError.Conflict("There is a list with this name already");

    private static FavoriteListView ViewOf(FavoriteList list, int count) => new(list.Id, list.Name, count, list.CreatedAt.UtcDateTime);
}
