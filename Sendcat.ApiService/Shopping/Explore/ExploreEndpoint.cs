using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Shopping.Categories;
using Sendcat.Reliability.Outbound.Ebay;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping.Explore;

/// <summary><c>/api/shopping/explore</c>.</summary>
internal static class ExploreEndpoint
{
    private const string Function = "shopping.explore";

    public static void MapExplore(this IEndpointRouteBuilder app) =>
        app.MapGroup("/api/shopping").WithTags("Shopping")
            .MapGet("/explore", ExploreAsync).RequireLimit(RequestBudget.Shopping)
            .As(Function, "Things to look at: of a category, else of a section (trending, new), else by words (q)", 400, 401, 429, 500, 503);

    private static async Task<Results<Ok<Page<ExploreItem>>, ApiError>> ExploreAsync(
        HttpContext http, ShoppingGuard door, ShopCache window, EbayClient ebay, CategoryTree categories, ToolCacheNamespaces namespaces, IOptionsMonitor<EbayOptions> options,
        string? section, string? categoryId, string? subCategoryId, string? categoryName, string? q, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        if (!(await door.EnterAsync(http, cancellationToken)).TryGet(out _, out var refusal))
        {
            return refusal;
        }

        if (Problem(section, categoryId, subCategoryId, categoryName, q) is { } problem)
        {
            return ApiError.InvalidRequest(problem);
        }

        if (!PageLimit.Read(limit, ExploreQuery.UsualLimit, ExploreQuery.LargestLimit).TryGet(out var count, out refusal) || !ExploreQuery.ReadOffset(cursor, count).TryGet(out var offset, out refusal))
        {
            return refusal;
        }

        var (category, named) = (Said(subCategoryId) ?? Said(categoryId), Said(categoryName));
        if (category is not null && named is null)
        {
            named = (await categories.FindAsync(category, cancellationToken))?.Name;
        }

        var question = ExploreQuery.Of(Said(section), category, named, Said(q), count, offset);
        var key = ToolCacheKey.Of(
            ("q", question.Query), ("categoryId", question.CategoryId), ("newest", question.NewestFirst), ("limit", question.Limit), ("offset", question.Offset),
            ("marketplaceId", options.CurrentValue.MarketplaceId));
        var looked = await window.LookAsync((namespaces.Explore, key), ShoppingJson.Default.ExplorePage, asking => ebay.GetAsync(question.Path, ExplorePage.Read, asking), Function, cancellationToken);
        return looked.TryGet(out var shown, out refusal)
            ? TypedResults.Ok(new Page<ExploreItem>(shown.Value?.Items ?? [], shown.Value is { } page ? question.CursorAfter(page.Total) : null))
            : refusal;
    }

    private static string? Problem(string? section, string? categoryId, string? subCategoryId, string? categoryName, string? q) =>
        section is not (null or "" or "trending" or "new") ? "section must be trending or new"
        : !CategoryTree.MayBeId(categoryId) || !CategoryTree.MayBeId(subCategoryId) ? "categoryId and subCategoryId are numbers"
        : !StoredText.Fits(categoryName, ExploreQuery.LongestQuery) || !StoredText.Fits(q, ExploreQuery.LongestQuery) ? $"q and categoryName may have {ExploreQuery.LongestQuery} characters"
        : null;

    private static string? Said(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
