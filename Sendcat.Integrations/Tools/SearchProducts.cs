using System.ComponentModel.DataAnnotations;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Tools;

public sealed partial record QueuedTool
{
    /// <summary>Searches eBay, and other shops through the global search.</summary>
    public static readonly QueuedTool SearchProducts = new(
        new("search_products", Number: 2, QosClass.Interactive, knobs => knobs.Of<SearchProductsOptions>().Caps),
        new("search_products", knobs => knobs.Of<SearchProductsOptions>().Cache),
        "product search",
        [EbaySearchProvider.Provider, GlobalSearchProvider.Provider],
        services => services.AddKnobs<SearchProductsOptions>());
}

/// <summary>Knobs of <see cref="QueuedTool.SearchProducts"/>.</summary>
public sealed class SearchProductsOptions
{
    /// <summary>Maximum number of queued product searches. One principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_PROD", Needs = "FF_TOOL_QUEUE_ENFORCE", Path = "ToolJob:QueueMaxProducts"), Range(1, 10_000)]
    public int QueueMax { get; set; } = 80;

    /// <summary>Maximum number of product searches that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_PROD", Path = "ToolJob:RunMaxProducts"), Range(1, 100)]
    public int RunMax { get; set; } = 2;

    /// <summary>Time for which a cached product search result, explore page or item detail is fresh.</summary>
    [Knob("TOOL_CACHE_PRODUCT_SEARCH_TTL_MS", Path = "ToolCache:ProductSearchTtlMs"), Range(5_000, 86_400_000)]
    public int CacheTtlMs { get; set; } = 600_000;

    /// <summary>Suffix of the namespace <c>search_products_…</c>. A new value invalidates all product results at once.</summary>
    [Knob("TOOL_CACHE_PRODUCTS_NS_VER", Path = "ToolCache:ProductsNamespaceVersion"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string CacheVersion { get; set; } = "v1";

    internal LaneCaps Caps => new(QueueMax, RunMax);

    /// <summary>Version of the cache namespace, and its TTL in milliseconds.</summary>
    public (string Version, int TtlMs) Cache => (CacheVersion, CacheTtlMs);
}

/// <param name="Limit">1–36.</param>
/// <param name="SellerRating">Minimum share of positive feedback, 95–100 %.</param>
/// <param name="IncludeGlobal">
/// False: the turn has used all its global searches. Only eBay is searched, and the result is not cached.
/// </param>
/// <param name="GlobalLimit">Maximum number of products from the global search, 1–12.</param>
public sealed record SearchProductsArguments(
    string Query, int Limit, int SellerRating = 95, bool IncludeGlobal = true, int GlobalLimit = 12)
{
    public string? CategoryId { get; init; }

    public string? CategoryName { get; init; }

    /// <summary>USD.</summary>
    public decimal? MinPrice { get; init; }

    /// <summary>USD.</summary>
    public decimal? MaxPrice { get; init; }

    /// <summary><c>new</c>, <c>used</c>, <c>refurbished</c> or <c>open_box</c>.</summary>
    public string? Condition { get; init; }

    /// <summary><c>free</c> or <c>fast</c>.</summary>
    public string? Shipping { get; init; }

    /// <summary>A two-letter country code, or the name of a place.</summary>
    public string? Location { get; init; }

    /// <summary>The key of the result in the cache.</summary>
    /// <param name="marketplace">For example <c>EBAY_US</c>.</param>
    public string CacheKeyAt(string marketplace) => ToolCacheKey.Of(
        ("q", Query), ("limit", Limit), ("categoryId", CategoryId), ("categoryName", CategoryName), ("minPrice", MinPrice),
        ("maxPrice", MaxPrice), ("condition", Condition), ("shipping", Shipping), ("sellerRating", SellerRating), ("location", Location),
        ("marketplaceId", marketplace));
}
