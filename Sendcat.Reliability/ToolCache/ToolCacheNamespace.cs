using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.ToolCache;

/// <summary>
/// A group of cached results of one kind in one format. A new version is a new namespace: the entries of the old one are never read again
/// and expire.
/// </summary>
/// <param name="Name">Kind and version, for example <c>search_web_v1</c>.</param>
/// <param name="Ttl">Time for which an entry is fresh, clamped to 5 s–24 h.</param>
/// <param name="StaleFor">Time after that for which a stale entry may be served while the upstream fails.</param>
public sealed record ToolCacheNamespace(string Name, TimeSpan Ttl, TimeSpan StaleFor)
{
    private static readonly TimeSpan MinTtl = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxTtl = TimeSpan.FromHours(24);

    public TimeSpan Ttl { get; } = Ttl < MinTtl ? MinTtl : Ttl > MaxTtl ? MaxTtl : Ttl;
}

/// <summary>The namespaces of the tools, according to the current configuration.</summary>
public sealed class ToolCacheNamespaces(IOptionsMonitor<ToolCacheOptions> options)
{
    public ToolCacheNamespace SearchWeb => Of("search_web_" + options.CurrentValue.WebSearchNamespaceVersion, options.CurrentValue.WebSearchTtlMs);

    public ToolCacheNamespace SearchProducts => Of("search_products_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    public ToolCacheNamespace SearchGlobal => Of("search_global_" + options.CurrentValue.GlobalNamespaceVersion, options.CurrentValue.GlobalSearchTtlMs);

    /// <summary>Pages of the explore view. They have the version and the TTL of product searches.</summary>
    public ToolCacheNamespace Explore => Of("explore_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    /// <summary>Details of single items.</summary>
    public ToolCacheNamespace ItemDetails => Of("item_" + options.CurrentValue.ProductsNamespaceVersion, options.CurrentValue.ProductSearchTtlMs);

    /// <summary>
    /// Results by job id, for 10 min. They serve a further attempt of a job whose end could not be persisted in Postgres, and no other job.
    /// </summary>
    public ToolCacheNamespace UnpersistedResults { get; } = new("unrecorded_jobs_v1", TimeSpan.FromMinutes(10), TimeSpan.Zero);

    /// <summary>The namespace with the name that a job carries. A name of another version gets the TTL of its kind.</summary>
    public ToolCacheNamespace Named(string name) =>
        (name.StartsWith("search_web_", StringComparison.Ordinal) ? SearchWeb
        : name.StartsWith("search_global_", StringComparison.Ordinal) ? SearchGlobal
        : SearchProducts) is var kind && kind.Name == name ? kind : new(name, kind.Ttl, kind.StaleFor);

    private ToolCacheNamespace Of(string name, int ttlMs) => new(name, TimeSpan.FromMilliseconds(ttlMs), TimeSpan.FromMilliseconds(options.CurrentValue.StaleMs));
}
