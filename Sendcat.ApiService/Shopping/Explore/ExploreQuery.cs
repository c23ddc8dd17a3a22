using System.Globalization;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Explore;

/// <summary>What the explore page asks eBay for.</summary>
/// <param name="Query">Null: everything of the category.</param>
/// <param name="Offset">A multiple of the limit, as eBay wants it.</param>
internal sealed record ExploreQuery(string? Query, string? CategoryId, bool NewestFirst, int Limit, int Offset)
{
    public const int UsualLimit = 60;
    public const int LargestLimit = 100;

    /// <summary>Characters that eBay takes of a query.</summary>
    public const int LongestQuery = 100;

    /// <summary>Items that eBay pages through.</summary>
    public const int Furthest = 10_000;

    private const string TrendingPhrase = "best sellers";
    private const string NewPhrase = "new arrivals";

    /// <summary>A category decides, else the section, else what was typed; nothing at all is <c>trending</c>.</summary>
    /// <param name="categoryName">Of the category, if it is known.</param>
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
            return string.Create(CultureInfo.InvariantCulture, $"buy/browse/v1/item_summary/search?{query}{category}limit={Limit}&offset={Offset}&filter={Uri.EscapeDataString("buyingOptions:{FIXED_PRICE}")}{sort}");
        }
    }

    /// <returns>Null: the text is a cursor, but of a list with another limit.</returns>
    public static Outcome<int> ReadOffset(string? cursor, int limit) =>
        string.IsNullOrEmpty(cursor) ? 0
        : int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && offset > 0 && offset % limit == 0 && offset + limit <= Furthest ? offset
        : ApiError.InvalidRequest("cursor is not one of ours, or of a list with another limit");

    /// <param name="total">Of all that eBay found.</param>
    public string? CursorAfter(int total) => Offset + Limit is var next && next < total && next + Limit <= Furthest ? next.ToString(CultureInfo.InvariantCulture) : null;
}
