namespace Sendcat.Reliability.ToolCache;

/// <summary>The cache slots of tool results: namespace and key of a request, for the cache and for the jobs that fill it.</summary>
public sealed class ToolCacheSlots(ToolCacheNamespaces namespaces)
{
    public (ToolCacheNamespace Space, string Key) SearchWeb(string query) => (namespaces.SearchWeb, ToolCacheKey.Of(query));

    /// <param name="categoryId">The resolved category; null when none was resolved.</param>
    /// <param name="marketplace">For example <c>EBAY_US</c>.</param>
    public (ToolCacheNamespace Space, string Key) SearchProducts(
        string query, int limit, string? categoryId, string? categoryName, decimal? minPrice, decimal? maxPrice, string? condition,
        string? shipping, int sellerRating, string? location, string marketplace) =>
        (namespaces.SearchProducts, ToolCacheKey.Of(
            ("q", query), ("limit", limit), ("categoryId", categoryId), ("categoryName", categoryName), ("minPrice", minPrice),
            ("maxPrice", maxPrice), ("condition", condition), ("shipping", shipping), ("sellerRating", sellerRating), ("location", location),
            ("marketplaceId", marketplace)));

    public (ToolCacheNamespace Space, string Key) SearchGlobal(string query, int limit, string? location) =>
        (namespaces.SearchGlobal, ToolCacheKey.Of(("q", query), ("limit", limit), ("location", location)));
}
