using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Reliability.ToolCache;

/// <summary>How long tool results are kept, and under which version of their namespaces.</summary>
public sealed class ToolCacheOptions
{
    /// <summary>How long a web search's result is kept.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int WebSearchTtlMs { get; set; } = 300_000;

    /// <summary>How long a product search's result is kept; explore pages and item details likewise.</summary>
    [Knob("TOOL_CACHE_PRODUCT_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int ProductSearchTtlMs { get; set; } = 600_000;

    /// <summary>Ending of the namespace <c>search_web_…</c>; another one forgets all web results at once.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_NAMESPACE_VERSION"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string WebSearchNamespaceVersion { get; set; } = "v1";

    /// <summary>Ending of the namespace <c>search_products_…</c>; another one forgets all product results at once.</summary>
    [Knob("TOOL_CACHE_PRODUCTS_NS_VER"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string ProductsNamespaceVersion { get; set; } = "v1";

    /// <summary>How long a global search's result is kept.</summary>
    [Knob("TOOL_CACHE_GLOBAL_SEARCH_TTL_MS"), Range(5_000, 86_400_000)]
    public int GlobalSearchTtlMs { get; set; } = 600_000;

    /// <summary>Ending of the namespace <c>search_global_…</c>.</summary>
    [Knob("TOOL_CACHE_GLOBAL_NS_VER"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string GlobalNamespaceVersion { get; set; } = "v1";

    /// <summary>How long a result that is no longer fresh may still stand in when the upstream fails.</summary>
    [Knob("TOOL_CACHE_STALE_MS"), Range(0, 86_400_000)]
    public int StaleMs { get; set; } = 1_800_000;
}
