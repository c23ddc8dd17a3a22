namespace Sendcat.Reliability.ToolCache;

/// <summary>Where the results of the tools' questions are kept: namespace and key, for the cache and for the jobs that fill it.</summary>
public sealed class ToolCacheSlots(ToolCacheNamespaces namespaces)
{
    public (ToolCacheNamespace Space, string Key) SearchWeb(string query) => (namespaces.SearchWeb, ToolCacheKey.Of(query));

    /// <param name="categoryId">Resolved, if it was.</param>
    /// <param name="marketplace">For instance <c>EBAY_US</c>.</param>
    public (ToolCacheNamespace Space, string Key) SearchProducts(
        string query, int limit, string? categoryId, string? categoryName, decimal? minPrice, decimal? maxPrice, string? condition, string? shipping, int sellerRating, string? location,
        string marketplace) =>
        (namespaces.SearchProducts, ToolCacheKey.Of(
            ("q", query), ("limit", limit), ("categoryId", categoryId), ("categoryName", categoryName), ("minPrice", minPrice), ("maxPrice", maxPrice), ("condition", condition),
            ("shipping", shipping), ("sellerRating", sellerRating), ("location", location), ("marketplaceId", marketplace)));

    public (ToolCacheNamespace Space, string Key) SearchGlobal(string query, int limit, string? location) =>
        (namespaces.SearchGlobal, ToolCacheKey.Of(("q", query), ("limit", limit), ("location", location)));
}
