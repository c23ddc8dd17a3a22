using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolCache;

/// <summary>TTLs of tool results, and the versions of their namespaces.</summary>
public sealed class ToolCacheOptions
{
    /// <summary>Time for which a cached web search result is fresh.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int WebSearchTtlMs { get; set; } = 300_000;

    /// <summary>Time for which a cached product search result, explore page or item detail is fresh.</summary>
    [Knob("TOOL_CACHE_PRODUCT_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int ProductSearchTtlMs { get; set; } = 600_000;

    /// <summary>Suffix of the namespace <c>search_web_…</c>. A new value invalidates all web results at once.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_NAMESPACE_VERSION"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string WebSearchNamespaceVersion { get; set; } = "v1";

    /// <summary>Suffix of the namespace <c>search_products_…</c>. A new value invalidates all product results at once.</summary>
    [Knob("TOOL_CACHE_PRODUCTS_NS_VER"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string ProductsNamespaceVersion { get; set; } = "v1";

    /// <summary>Time for which a cached global search result is fresh.</summary>
    [Knob("TOOL_CACHE_GLOBAL_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int GlobalSearchTtlMs { get; set; } = 600_000;

    /// <summary>Suffix of the namespace <c>search_global_…</c>. A new value invalidates all global results at once.</summary>
    [Knob("TOOL_CACHE_GLOBAL_NS_VER"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string GlobalNamespaceVersion { get; set; } = "v1";

    /// <summary>Time after the TTL for which a stale result may still be served while the upstream fails.</summary>
    [Knob("TOOL_CACHE_STALE_MS"), Range(0, 86_400_000)]
    public int StaleMs { get; set; } = 1_800_000;
}
