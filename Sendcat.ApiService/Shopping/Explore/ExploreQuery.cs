using System.Globalization;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Explore;

/// <summary>The eBay search of the explore page.</summary>
/// <param name="Query">Search text; null: all items of the category.</param>
/// <param name="Limit">Items per page.</param>
/// <param name="Offset">Number of items to skip. eBay requires a multiple of the limit.</param>
internal sealed record ExploreQuery(string? Query, string? CategoryId, bool NewestFirst, int Limit, int Offset)
{
    public const int DefaultLimit = 60;
    public const int MaxLimit = 100;

    /// <summary>Maximum characters of a query that eBay accepts.</summary>
    public const int MaxQueryLength = 100;

    /// <summary>Maximum items of one search that eBay returns over all pages.</summary>
    public const int MaxReachableItems = 10_000;

    private const string TrendingPhrase = "best sellers";
    private const string NewPhrase = "new arrivals";

    /// <summary>
    /// Builds the search from the category, or else from the section, or else from the query text. Without any of them the search is
    /// <c>trending</c>.
    /// </summary>
    /// <param name="categoryName">Name of the category; null: unknown.</param>
    /// <param name="section"><c>trending</c>, <c>new</c> or null.</param>
    public static ExploreQuery Of(string? section, string? categoryId, string? categoryName, string? query, int limit, int offset) =>
        categoryId is not null || categoryName is not null ? new(categoryName, categoryId, NewestFirst: section == "new", limit, offset)
        : section == "new" ? new(NewPhrase, null, NewestFirst: true, limit, offset)
        : section is null && query is not null ? new(query, null, NewestFirst: false, limit, offset)
        : new(TrendingPhrase, null, NewestFirst: false, limit, offset);

    public string Path
    {
        get
        {
            var query = Query is null ? "" : $"q={Uri.EscapeDataString(Query)}&";
            var category = CategoryId is null ? "" : $"category_ids={CategoryId}&";
            var sort = NewestFirst ? "&sort=newlyListed" : "";
            var filter = Uri.EscapeDataString("buyingOptions:{FIXED_PRICE}");
            return string.Create(
                CultureInfo.InvariantCulture,
                $"buy/browse/v1/item_summary/search?{query}{category}limit={Limit}&offset={Offset}&filter={filter}{sort}");
        }
    }

    /// <returns>The offset of a cursor; 0 without a cursor; an error if the cursor is not valid for this limit.</returns>
    public static Outcome<int> ReadOffset(string? cursor, int limit) =>
        string.IsNullOrEmpty(cursor) ? 0
        : int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            && offset > 0 && offset % limit == 0 && offset + limit <= MaxReachableItems ? offset
        : ApiError.InvalidRequest("cursor is not one of ours, or of a list with another limit");

    /// <param name="total">Number of items that eBay found.</param>
    /// <returns>The cursor of the next page; null: there is none.</returns>
    public string? CursorAfter(int total) =>
        Offset + Limit is var next && next < total && next + Limit <= MaxReachableItems
            ? next.ToString(CultureInfo.InvariantCulture)
            : null;
}
