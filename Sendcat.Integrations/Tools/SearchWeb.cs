using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.Integrations.Tools;

public sealed partial record QueuedTool
{
    /// <summary>Searches the web.</summary>
    public static readonly QueuedTool SearchWeb = new(
        new("search_web", Number: 1, QosClass.Realtime, knobs => knobs.Of<SearchWebOptions>().Caps),
        new("search_web", knobs => knobs.Of<SearchWebOptions>().Cache),
        "web search",
        [SerperProvider.Provider],
        services => services.AddKnobs<SearchWebOptions>());
}

/// <summary>Knobs of <see cref="QueuedTool.SearchWeb"/>.</summary>
public sealed class SearchWebOptions
{
    /// <summary>Maximum number of queued web searches. One principal may have a quarter of them.</summary>
    [Knob("TOOL_JOB_QMAX_WEB", Needs = "FF_TOOL_QUEUE_ENFORCE", Path = "ToolJob:QueueMaxWeb"), Range(1, 10_000)]
    public int QueueMax { get; set; } = 80;

    /// <summary>Maximum number of web searches that run at the same time, over all workers.</summary>
    [Knob("TOOL_JOB_RUNMAX_WEB", Path = "ToolJob:RunMaxWeb"), Range(1, 100)]
    public int RunMax { get; set; } = 2;

    /// <summary>Time for which a cached web search result is fresh.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_TTL_MS", Path = "ToolCache:WebSearchTtlMs"), Range(5_000, 86_400_000)]
    public int CacheTtlMs { get; set; } = 300_000;

    /// <summary>Suffix of the namespace <c>search_web_…</c>. A new value invalidates all web results at once.</summary>
    [Knob("TOOL_CACHE_WEB_SEARCH_NAMESPACE_VERSION", Path = "ToolCache:WebSearchNamespaceVersion"), RegularExpression("^[a-z0-9_-]{1,24}$")]
    public string CacheVersion { get; set; } = "v1";

    internal LaneCaps Caps => new(QueueMax, RunMax);

    internal (string Version, int TtlMs) Cache => (CacheVersion, CacheTtlMs);
}

/// <param name="Query">Trimmed, not empty.</param>
public sealed record SearchWebArguments(string Query)
{
    /// <summary>The key of the result in the cache.</summary>
    [JsonIgnore]
    public string CacheKey => ToolCacheKey.Of(Query);
}

/// <param name="Kind"><c>search_web</c></param>
/// <param name="TextResult">Plain text for people and logs.</param>
/// <param name="JsonResult">The JSON text that the model receives.</param>
/// <param name="SearchResults">At most 5.</param>
public sealed record SearchWebResult(string Kind, string TextResult, string JsonResult, IReadOnlyList<SearchWebHit> SearchResults);

public sealed record SearchWebHit(string Title, string Link, string? Snippet);
