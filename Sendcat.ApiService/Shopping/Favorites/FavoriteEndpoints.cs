using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary><c>/api/favorites</c>: the favourites of signed-in users. A guest gets empty lists and cannot change anything.</summary>
internal static class FavoriteEndpoints
{
    public static void MapFavorites(this IEndpointRouteBuilder app)
    {
        var favorites = app.MapGroup("/api/favorites").WithTags("Favorites");
        favorites.MapGet("", ListAsync).RequireLimit(RequestBudget.Shopping)
            .As("favorites.list", "The caller's favourites, newest first; of one list with ?listId=", 400, 401, 403, 429);
        favorites.MapGet("/ids", MarksAsync).RequireLimit(RequestBudget.Shopping)
            .As("favorites.ids", "What the caller has marked, without the items themselves", 400, 401, 429);
        favorites.MapPost("/toggle", ToggleAsync).RequireLimit(RequestBudget.Shopping).Takes<FavoriteToggling>()
            .As("favorites.toggle", "Add a favourite, or remove it if it is there", 400, 401, 403, 413, 415, 429);
        favorites.MapDelete("/{id}", RemoveAsync).RequireLimit(RequestBudget.Shopping)
            .As("favorites.remove", "Remove one favourite, if it is there", 401, 429);
    }

    private static async Task<Results<Ok<Page<FavoriteView>>, ApiError>> ListAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db, ILogger<Favorite> logger,
        string? listId, string? type, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        const string Function = "favorites.list";
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 50, max: 100).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        if (type is not (null or "" or "product" or "brand"))
        {
            return ApiError.InvalidRequest("type must be product or brand");
        }

        if (!PageCursor.TryRead(cursor, "newest", out var after))
        {
            return PageCursor.Invalid;
        }

        var favorites = Of(db, principal);
        if (!string.IsNullOrEmpty(listId))
        {
            if (await FavoriteListEndpoints.FindAsync(db, principal, listId, cancellationToken) is not { } list)
            {
                return Refused(logger, principal, Function);
            }

            favorites = favorites.Where(f => f.ListId == list.Id);
        }

        if (!string.IsNullOrEmpty(type))
        {
            favorites = favorites.Where(f => f.Type == type);
        }

        if (after is not null)
        {
            favorites = favorites.Where(
                f => EF.Functions.LessThan(ValueTuple.Create(f.CreatedAt, f.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await favorites.OrderByDescending(f => f.CreatedAt).ThenByDescending(f => f.Id).Take(count + 1)
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<FavoriteView>(
            [.. rows.Take(count).Select(FavoriteView.Of)],
            rows.Count > count ? new PageCursor("newest", rows[count - 1].CreatedAt, rows[count - 1].Id).ToString() : null));
    }

    private static async Task<Results<Ok<Page<FavoriteMark>>, ApiError>> MarksAsync(
        HttpContext http, ShoppingGuard guard, SendcatDb db, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal)
            || !PageLimit.Read(limit, fallback: 1_000, max: 5_000).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        if (!PageCursor.TryRead(cursor, "newest", out var after))
        {
            return PageCursor.Invalid;
        }

        var favorites = Of(db, principal);
        if (after is not null)
        {
            favorites = favorites.Where(
                f => EF.Functions.LessThan(ValueTuple.Create(f.CreatedAt, f.Id), ValueTuple.Create(after.At, after.Id)));
        }

        var rows = await favorites.OrderByDescending(f => f.CreatedAt).ThenByDescending(f => f.Id).Take(count + 1)
            .Select(f => new { f.CreatedAt, Mark = new FavoriteMark(f.Id, f.ExternalId, f.ListId, f.Type) }).ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<FavoriteMark>(
            [.. rows.Take(count).Select(row => row.Mark)],
            rows.Count > count ? new PageCursor("newest", rows[count - 1].CreatedAt, rows[count - 1].Mark.Id).ToString() : null));
    }

    private static async Task<Results<Ok<FavoriteToggled>, ApiError>> ToggleAsync(
        HttpContext http, ShoppingGuard guard, FavoriteToggle favorites, ILogger<Favorite> logger, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, ShoppingJson.Default.FavoriteToggling, cancellationToken);
        if (!body.TryGet(out var request, out var refusal)
            || !(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        return await favorites.ToggleAsync(principal.UserId!, request, cancellationToken) is { } toggled
            ? TypedResults.Ok(toggled)
            : Refused(logger, principal, "favorites.toggle");
    }

    private static async Task<Results<NoContent, ApiError>> RemoveAsync(
        HttpContext http, string id, ShoppingGuard guard, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterUserAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (Guid.TryParseExact(id, "D", out var favorite))
        {
            await Of(db, principal).Where(f => f.Id == favorite).ExecuteDeleteAsync(cancellationToken);
        }

        return TypedResults.NoContent();
    }

    /// <summary>Foreign, missing and malformed ids get the same response, so that a caller cannot probe for ids of other users.</summary>
    internal static ApiError Refused(ILogger logger, Principal principal, string function)
    {
        logger.FavoriteRefused(principal.LogName, function);
        return ApiError.Forbidden("No such favourite or list, or not yours");
    }

    private static IQueryable<Favorite> Of(SendcatDb db, Principal principal) =>
        db.Favorites.AsNoTracking().Where(f => f.UserId == principal.UserId);
}
