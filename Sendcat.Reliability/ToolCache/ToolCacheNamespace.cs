using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.ToolCache;

/// <summary>Results of one kind in one format. Another version is another namespace: the old one's entries are never read again and run out.</summary>
/// <param name="Name">Kind and version, for instance <c>search_web_v1</c>.</param>
/// <param name="Ttl">How long an entry is fresh; clamped to 5 s–24 h.</param>
/// <param name="StaleFor">How long after that it may stand in for a failing upstream.</param>
public sealed record ToolCacheNamespace(string Name, TimeSpan Ttl, TimeSpan StaleFor)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    public TimeSpan Ttl { get; } = Ttl < Shortest ? Shortest : Ttl > Longest ? Longest : Ttl;
}

/// <summary>The namespaces of the tools, as configured at this moment.</summary>
public sealed class ToolCacheNamespaces(IOptionsMonitor<ToolCacheOptions> options)
{
    public ToolCacheNamespace SearchWeb => Of("search_web_" + options.CurrentValue.WebSearchNamespaceVersion, options.CurrentValue.WebSearchTtlMs);

    public ToolCacheNamespace SearchProducts => Of("search_products_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    public ToolCacheNamespace SearchGlobal => Of("search_global_" + options.CurrentValue.GlobalNamespaceVersion, options.CurrentValue.GlobalSearchTtlMs);

    /// <summary>Pages of the explore view; they are product searches, too.</summary>
    public ToolCacheNamespace Explore => Of("explore_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    /// <summary>Details of single items.</summary>
    public ToolCacheNamespace ItemDetails => Of("item_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    /// <summary>By job: results that are nobody else's business, for as long as it may take until the job's end is on record.</summary>
    public ToolCacheNamespace UnrecordedJobs { get; } = new("unrecorded_jobs_v1", TimeSpan.FromMinutes(10), TimeSpan.Zero);

    /// <summary>By the name that came with a job; one of another version gets the times of its kind.</summary>
    public ToolCacheNamespace Named(string name) =>
        (name.StartsWith("search_web_", StringComparison.Ordinal) ? SearchWeb
        : name.StartsWith("search_global_", StringComparison.Ordinal) ? SearchGlobal
        : SearchProducts) is var kind && kind.Name == name ? kind : new(name, kind.Ttl, kind.StaleFor);

    private ToolCacheNamespace Of(string name, int ttlMs) => new(name, TimeSpan.FromMilliseconds(ttlMs), TimeSpan.FromMilliseconds(options.CurrentValue.StaleMs));
}
