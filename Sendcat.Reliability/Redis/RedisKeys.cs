using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>The only place that spells Redis keys and channels.</summary>
public static class RedisKeys
{
    /// <summary>Longest part of a key that somebody outside may choose; longer ones are hashed.</summary>
    private const int LongestName = 160;

    public static readonly RedisChannel KnobsChanged = RedisChannel.Literal("sendcat:knobs");

    /// <summary>Sign-ins that were revoked: their families, separated by blanks; empty: read the table.</summary>
    public static readonly RedisChannel FamiliesRevoked = RedisChannel.Literal("sendcat:families");

    public static readonly RedisChannel CircuitsChanged = RedisChannel.Literal("sendcat:circuits");

    /// <summary>Holders whose leases somebody else took away.</summary>
    public static readonly RedisChannel LeasesTaken = RedisChannel.Literal("sendcat:leases");

    /// <summary>Tool jobs that are over: the tool and the jobs' ids.</summary>
    public static readonly RedisChannel ToolJobsFinished = RedisChannel.Literal("sendcat:tooljobs:finished");

    /// <summary>A tool job that nobody waits for any more.</summary>
    public static readonly RedisChannel ToolJobsCancelled = RedisChannel.Literal("sendcat:tooljobs:cancelled");

    /// <summary>An operator wants eBay's categories fetched now: the message is the marketplace.</summary>
    public static readonly RedisChannel TaxonomyRefreshRequested = RedisChannel.Literal("sendcat:taxonomy");

    /// <summary>Sorted set of replicas, scored by when each counts as dead.</summary>
    public const string Replicas = "leases:replicas";

    /// <summary>Hash of one replica: holder → its lease keys, one a line.</summary>
    public static string LeasesOf(string replica) => $"leases:of:{replica}";

    /// <summary>Beginning of <see cref="LeasesOf"/> for scripts that visit all replicas.</summary>
    public const string LeasesOfAny = "leases:of:";

    /// <summary>Beginning of the marks that a holder's leases were taken away for good.</summary>
    public const string Taken = "leases:taken:";

    public static string GlobalInFlight(string prefix) => $"{prefix}:inflight:global";

    public static string UserInFlight(string prefix, string principal) => $"{prefix}:inflight:user:{Name(principal)}";

    /// <param name="address">A client's address, or a network.</param>
    public static string AddressInFlight(string prefix, string address) => $"{prefix}:inflight:address:{Name(address)}";

    public static string GuestInFlight(string prefix) => $"{prefix}:inflight:guests";

    public static string MessageRate(string prefix) => $"{prefix}:rate:msg";

    public static string ToolRate(string prefix) => $"{prefix}:rate:tool";

    /// <summary>Where admission counts while it only watches.</summary>
    public static string Shadow(string prefix) => $"{prefix}:shadow";

    public static string RateLimit(string bucket, string key) => $"limit:{bucket}:{Name(key)}";

    public static string Bulkhead(string provider) => $"bulkhead:{provider}";

    public static string Circuit(string provider) => $"circuit:{provider}";

    public static string CircuitProbe(string provider) => $"circuit:{provider}:probe";

    /// <summary>Where a thread's running turn lives.</summary>
    public static string LiveTurn(Guid thread) => $"turn:live:{thread:D}";

    /// <summary>A principal's turn that nobody reads at present.</summary>
    public static string DetachedTurn(string principal) => $"turn:detached:{Name(principal)}";

    /// <summary>Sorted set of the turns of guests that nobody reads at present, scored by when their last reader left.</summary>
    public const string DetachedGuests = "turn:detached-guests";

    /// <summary>The same for signed-in users.</summary>
    public const string DetachedUsers = "turn:detached-users";

    /// <summary>What a turn has said so far, for readers on other replicas.</summary>
    public static string TurnFeed(Guid stream) => $"turn:feed:{stream:D}";

    /// <summary>Channel: the feed has grown.</summary>
    public static string TurnFeedNews(Guid stream) => $"turn:news:{stream:D}";

    /// <summary>Channel: aborts and take-overs of turns, for the replica that runs them.</summary>
    public const string TurnSignals = "sendcat:turns";

    /// <summary>Names of the tool cache's namespaces.</summary>
    public const string ToolCacheNamespaces = "toolcache:namespaces";

    /// <summary>Channel: an entry of the tool cache was filled, or given up by who was filling it.</summary>
    public static readonly RedisChannel ToolCacheNews = RedisChannel.Literal("sendcat:toolcache");

    /// <summary>Sorted set of a namespace's entries, scored by when each is gone. The braces keep a namespace in one slot of a cluster.</summary>
    public static string ToolCacheIndex(string space) => $"toolcache:{{{space}}}";

    public static string ToolCacheEntry(string space, string key) => $"toolcache:{{{space}}}:{Name(key)}";

    /// <summary>Held by the replica that fills the entry.</summary>
    public static string ToolCacheFlight(string space, string key) => $"toolcache:{{{space}}}:flight:{Name(key)}";

    private static string Name(string text)
    {
        var escaped = Uri.EscapeDataString(text);
        return escaped.Length <= LongestName ? escaped : $"sha256-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }
}
