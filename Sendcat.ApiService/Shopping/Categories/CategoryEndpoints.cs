using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Categories;

/// <summary><c>/api/shopping/categories</c>.</summary>
internal static class CategoryEndpoints
{
    public static void MapCategories(this IEndpointRouteBuilder app)
    {
        var categories = app.MapGroup("/api/shopping/categories").WithTags("Shopping");
        categories.MapGet("", ListAsync).RequireLimit(RequestBudget.Shopping)
            .As("categories.list", "Top categories, or the children of ?parentId=, by name", 400, 401, 429);
        categories.MapGet("/{id}", GetAsync).RequireLimit(RequestBudget.Shopping).As("categories.get", "One category", 400, 401, 404, 429);
    }

    private static async Task<Results<Ok<Page<CategoryView>>, ApiError>> ListAsync(
        HttpContext http, ShoppingGuard guard, CategoryTree tree,
        string? parentId, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out _, out var refusal)
            || !PageLimit.Read(limit, fallback: 100, max: 200).TryGet(out var count, out refusal))
        {
            return refusal;
        }

        return !CategoryTree.MayBeId(parentId) ? ApiError.InvalidRequest("parentId is a number")
            : !CategoryTree.MayBeId(cursor) ? PageCursor.Invalid
            : TypedResults.Ok(await tree.ListAsync(NonEmpty(parentId), NonEmpty(cursor), count, cancellationToken));
    }

    private static async Task<Results<Ok<CategoryView>, ApiError>> GetAsync(
        HttpContext http, string id, ShoppingGuard guard, CategoryTree tree, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out _, out var refusal))
        {
            return refusal;
        }

        return !CategoryTree.MayBeId(id) ? ApiError.InvalidRequest("id is a number")
            : await tree.FindAsync(id, cancellationToken) is { } category ? TypedResults.Ok(category)
            : ApiError.NotFound("No such category");
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
