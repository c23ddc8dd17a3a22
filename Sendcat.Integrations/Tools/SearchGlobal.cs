using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Tools;

public sealed partial record QueuedTool
{
    /// <summary>Searches many shops other than eBay.</summary>
    public static readonly QueuedTool SearchGlobal = new(
        new("search_global", Number: 3, QosClass.Batch, knobs => knobs.Of<SearchGlobalOptions>().Caps),
        new("search_global", knobs => knobs.Of<SearchGlobalOptions>().Cache),
        "search of other shops",
        [GlobalSearchProvider.Provider],
        services => services.AddKnobs<SearchGlobalOptions>());
}

/// <summary>Knobs of <see cref="QueuedTool.SearchGlobal"/>.</summary>
public sealed class SearchGlobalOptions
{
    /// <summary>Maximum number of queued global searches. One principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_GLOB", Needs = "FF_TOOL_QUEUE_ENFORCE", Path = "ToolJob:QueueMaxGlobal"), Range(1, 10_000)]
    public int QueueMax { get; set; } = 40;

    /// <summary>Maximum number of global searches that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_GLOB", Path = "ToolJob:RunMaxGlobal"), Range(1, 100)]
    public int RunMax { get; set; } = 1;

    /// <summary>Time for which a cached global search result is fresh.</summary>
    [Knob("TOOL_CACHE_GLOBAL_SEARCH_TTL_MS", Path = "ToolCache:GlobalSearchTtlMs"), Range(5_000, 86_400_000)]
    public int CacheTtlMs { get; set; } = 600_000;

    /// <summary>Suffix of the namespace <c>search_global_…</c>. A new value invalidates all global results at once.</summary>
    [Knob("TOOL_CACHE_GLOBAL_NS_VER", Path = "ToolCache:GlobalNamespaceVersion"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string CacheVersion { get; set; } = "v1";

    internal LaneCaps Caps => new(QueueMax, RunMax);

    internal (string Version, int TtlMs) Cache => (CacheVersion, CacheTtlMs);
}

/// <param name="Limit">1–36.</param>
public sealed record SearchGlobalArguments(string Query, int Limit = 12, string? Location = null)
{
    /// <summary>The key of the result in the cache.</summary>
    [JsonIgnore]
    public string CacheKey => ToolCacheKey.Of(("q", Query), ("limit", Limit), ("location", Location));
}
