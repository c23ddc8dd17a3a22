using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Shopping.Categories;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping.Explore;

/// <summary><c>/api/shopping/explore</c>.</summary>
internal static class ExploreEndpoint
{
    private const string Function = "shopping.explore";

    public static void MapExplore(this IEndpointRouteBuilder app) =>
        app.MapGroup("/api/shopping").WithTags("Shopping")
            .MapGet("/explore", ExploreAsync).RequireLimit(RequestBudget.Shopping)
            .As(
                Function, "Things to look at: of a category, else of a section (trending, new), else by words (q)", 400, 401, 429, 500,
                503);

    private static async Task<Results<Ok<Page<ExploreItem>>, ApiError>> ExploreAsync(
        HttpContext http, ShoppingGuard guard, ShopCache cache, EbayClient ebay, CategoryTree categories, ToolCacheNamespaces namespaces,
        IOptionsMonitor<EbayOptions> options,
        string? section, string? categoryId, string? subCategoryId, string? categoryName, string? q, string? cursor, string? limit,
        CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out _, out var refusal))
        {
            return refusal;
        }

        if (Problem(section, categoryId, subCategoryId, categoryName, q) is { } problem)
        {
            return ApiError.InvalidRequest(problem);
        }

        if (!PageLimit.Read(limit, ExploreQuery.DefaultLimit, ExploreQuery.MaxLimit).TryGet(out var count, out refusal)
            || !ExploreQuery.ReadOffset(cursor, count).TryGet(out var offset, out refusal))
        {
            return refusal;
        }

        var (category, named) = (TrimmedOrNull(subCategoryId) ?? TrimmedOrNull(categoryId), TrimmedOrNull(categoryName));
        if (category is not null && named is null)
        {
            named = (await categories.FindAsync(category, cancellationToken))?.Name;
        }

        var query = ExploreQuery.Of(TrimmedOrNull(section), category, named, TrimmedOrNull(q), count, offset);
        var key = ToolCacheKey.Of(
            ("q", query.Query), ("categoryId", query.CategoryId), ("newest", query.NewestFirst), ("limit", query.Limit),
            ("offset", query.Offset), ("marketplaceId", options.CurrentValue.MarketplaceId));
        var result = await cache.GetOrFetchAsync(
            (namespaces.Of(ShopCache.Explore), key), ShoppingJson.Default.ExplorePage,
            token => ebay.GetAsync(query.Path, ExplorePage.Read, token),
            Function, cancellationToken);
        return result.TryGet(out var found, out refusal)
            ? TypedResults.Ok(
                new Page<ExploreItem>(found.Value?.Items ?? [], found.Value is { } page ? query.CursorAfter(page.Total) : null))
            : refusal;
    }

    private static string? Problem(string? section, string? categoryId, string? subCategoryId, string? categoryName, string? q) =>
        section is not (null or "" or "trending" or "new") ? "section must be trending or new"
        : !CategoryTree.MayBeId(categoryId) || !CategoryTree.MayBeId(subCategoryId) ? "categoryId and subCategoryId are numbers"
        : !StoredText.Fits(categoryName, ExploreQuery.MaxQueryLength) || !StoredText.Fits(q, ExploreQuery.MaxQueryLength)
            ? $"q and categoryName may have {ExploreQuery.MaxQueryLength} characters"
        : null;

    private static string? TrimmedOrNull(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
