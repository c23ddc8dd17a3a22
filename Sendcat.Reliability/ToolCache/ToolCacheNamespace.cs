using Microsoft.Extensions.Options;
using Sendcat.Reliability.Knobs;

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

/// <summary>A kind of cached results.</summary>
/// <param name="Name">Prefix of the namespace, for example <c>search_web</c>.</param>
/// <param name="Settings">Reads the present version (suffix of the namespace) and the TTL in milliseconds from the knobs.</param>
public sealed record ToolCacheKind(string Name, Func<CurrentKnobs, (string Version, int TtlMs)> Settings);

/// <summary>The namespaces of the registered kinds, according to the current configuration.</summary>
public sealed class ToolCacheNamespaces(IEnumerable<ToolCacheKind> kinds, CurrentKnobs knobs, IOptionsMonitor<ToolCacheOptions> options)
{
    /// <summary>The longest name is first: it is the kind of a namespace that several names are a prefix of.</summary>
    private readonly ToolCacheKind[] _kinds = [.. kinds.OrderByDescending(kind => kind.Name.Length)];

    /// <summary>
    /// Results by job id, for 10 min. They serve a further attempt of a job whose end could not be persisted in Postgres, and no other job.
    /// </summary>
    public ToolCacheNamespace UnpersistedResults { get; } = new("unrecorded_jobs_v1", TimeSpan.FromMinutes(10), TimeSpan.Zero);

    /// <summary>The present namespace of a kind.</summary>
    public ToolCacheNamespace Of(ToolCacheKind kind)
    {
        var (version, ttlMs) = kind.Settings(knobs);
        return new($"{kind.Name}_{version}", TimeSpan.FromMilliseconds(ttlMs), TimeSpan.FromMilliseconds(options.CurrentValue.StaleMs));
    }

    /// <summary>The namespace with the name that a job carries. A name of another version gets the TTL of its kind.</summary>
    /// <returns>Null: this program has no such kind.</returns>
    public ToolCacheNamespace? Named(string name) =>
        Array.Find(_kinds, kind => name.StartsWith($"{kind.Name}_", StringComparison.Ordinal)) is not { } found ? null
        : Of(found) is var present && present.Name == name ? present
        : new(name, present.Ttl, present.StaleFor);
}
