using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Sendcat.Reliability.Redis;

/// <summary>The only source of Redis keys and channel names.</summary>
public static class RedisKeys
{
    /// <summary>Most characters of a key part that a client may choose; a longer part is replaced by its hash.</summary>
    private const int LongestName = 160;

    /// <summary>Channel: knob overrides changed.</summary>
    public static readonly RedisChannel KnobsChanged = RedisChannel.Literal("sendcat:knobs");

    /// <summary>
    /// Channel: sign-ins were revoked. The message is their token families, separated by blanks; when it is empty, receivers read the
    /// table.
    /// </summary>
    public static readonly RedisChannel FamiliesRevoked = RedisChannel.Literal("sendcat:families");

    /// <summary>Channel: an operator blocked or unblocked a caller.</summary>
    public static readonly RedisChannel CallersBlocked = RedisChannel.Literal("sendcat:blocks");

    /// <summary>Channel: the circuit of a provider changed. The message is the provider's name.</summary>
    public static readonly RedisChannel CircuitsChanged = RedisChannel.Literal("sendcat:circuits");

    /// <summary>Channel: all leases of a holder were revoked. The message is the holder.</summary>
    public static readonly RedisChannel LeasesRevoked = RedisChannel.Literal("sendcat:leases");

    /// <summary>Channel: tool jobs ended. The message is the tool and the ids of the jobs.</summary>
    public static readonly RedisChannel ToolJobsFinished = RedisChannel.Literal("sendcat:tooljobs:finished");

    /// <summary>Channel: a tool job was cancelled, because no caller waits for it any more.</summary>
    public static readonly RedisChannel ToolJobsCancelled = RedisChannel.Literal("sendcat:tooljobs:cancelled");

    /// <summary>Channel: an operator requests a refresh of eBay's categories. The message is the marketplace.</summary>
    public static readonly RedisChannel TaxonomyRefreshRequested = RedisChannel.Literal("sendcat:taxonomy");

    /// <summary>Sorted set of replicas. The score is the time, in Unix ms, after which the replica counts as dead.</summary>
    public const string Replicas = "leases:replicas";

    /// <summary>A random value that is lost together with all other data, so that the loss is noticed.</summary>
    public const string Era = "leases:era";

    /// <summary>Hash of one replica: holder → its lease keys, one per line.</summary>
    public static string LeasesOf(string replica) => $"leases:of:{replica}";

    /// <summary>Prefix of <see cref="LeasesOf"/>, for scripts that visit the hashes of all replicas.</summary>
    public const string LeasesOfPrefix = "leases:of:";

    /// <summary>What a process reports about itself.</summary>
    public static string ProcessStatus(string process) => $"process:status:{process}";

    /// <summary>Hash: process → who has drained it.</summary>
    public const string DrainedProcesses = "process:drained";

    /// <summary>Prefix of the keys that mark a holder's leases as revoked, so that its replica does not acquire them again.</summary>
    public const string RevokedHolderPrefix = "leases:taken:";

    public static string GlobalInFlight(string prefix) => $"{prefix}:inflight:global";

    public static string UserInFlight(string prefix, string principal) => $"{prefix}:inflight:user:{Name(principal)}";

    /// <param name="prefix">Prefix of admission's keys.</param>
    /// <param name="address">A client's address, or a network.</param>
    public static string AddressInFlight(string prefix, string address) => $"{prefix}:inflight:address:{Name(address)}";

    public static string GuestInFlight(string prefix) => $"{prefix}:inflight:guests";

    public static string MessageRate(string prefix) => $"{prefix}:rate:msg";

    public static string ToolRate(string prefix) => $"{prefix}:rate:tool";

    /// <summary>Prefix of the keys that admission counts under in shadow mode.</summary>
    public static string Shadow(string prefix) => $"{prefix}:shadow";

    public static string RateLimit(string bucket, string key) => $"limit:{bucket}:{Name(key)}";

    public static string Bulkhead(string provider) => $"bulkhead:{provider}";

    public static string Circuit(string provider) => $"circuit:{provider}";

    /// <summary>How often in a row the provider rejected our account, over all replicas.</summary>
    public static string CircuitRefusals(string provider) => $"circuit:{provider}:refusals";

    /// <summary>What opened the circuit, for the replicas that did not see it.</summary>
    public static string CircuitOpening(string provider) => $"circuit:{provider}:opening";

    public static string CircuitProbe(string provider) => $"circuit:{provider}:probe";

    /// <summary>The replica that runs a thread's turn.</summary>
    public static string LiveTurn(Guid thread) => $"turn:live:{thread:D}";

    /// <summary>The turn that answers a message.</summary>
    /// <param name="message">Names the message among those of all principals.</param>
    public static string TurnOfMessage(string message) => $"turn:message:{Name(message)}";

    /// <summary>A principal's turn that has no reader at present.</summary>
    public static string DetachedTurn(string principal) => $"turn:detached:{Name(principal)}";

    /// <summary>
    /// Sorted set of the turns of guests that have no reader at present. The score is the time at which the last reader disconnected.
    /// </summary>
    public const string DetachedGuests = "turn:detached-guests";

    /// <summary>Like <see cref="DetachedGuests"/>, for signed-in users.</summary>
    public const string DetachedUsers = "turn:detached-users";

    /// <summary>Redis stream of the events of a turn so far, for readers on other replicas.</summary>
    public static string TurnMirror(Guid stream) => $"turn:mirror:{stream:D}";

    /// <summary>Channel: the mirror of a turn (<see cref="TurnMirror"/>) has new entries.</summary>
    public static string TurnMirrorChanged(Guid stream) => $"turn:news:{stream:D}";

    /// <summary>Channel: messages or turns of a thread have changed.</summary>
    public static string ThreadChanged(Guid thread) => $"thread:changed:{thread:D}";

    /// <summary>Channel: aborts and takeovers of turns, for the replica that runs the turn.</summary>
    public const string TurnSignals = "sendcat:turns";

    /// <summary>A sign-in at Google that has been started. The digest is that of its <c>state</c>.</summary>
    public static string GoogleFlow(string digest) => $"google:flow:{digest}";

    /// <summary>A Google account that was proven and is not used yet. The digest is that of its one-time code.</summary>
    public static string GoogleProof(string digest) => $"google:proof:{digest}";

    /// <summary>A consent for a mailbox that a browser is asked for. The digest is that of its nonce.</summary>
    public static string GmailConsent(string digest) => $"gmail:consent:{digest}";

    /// <summary>The names of the tool cache's namespaces.</summary>
    public const string ToolCacheNamespaces = "toolcache:namespaces";

    /// <summary>Channel: an entry of the tool cache was filled, or the replica that was filling it failed.</summary>
    public static readonly RedisChannel ToolCacheChanged = RedisChannel.Literal("sendcat:toolcache");

    /// <summary>
    /// Sorted set of a namespace's entries, scored by expiry. The braces are a hash tag: a namespace stays in one slot of a Redis cluster.
    /// </summary>
    public static string ToolCacheIndex(string cacheNamespace) => $"toolcache:{{{cacheNamespace}}}";

    public static string ToolCacheEntry(string cacheNamespace, string key) => $"toolcache:{{{cacheNamespace}}}:{Name(key)}";

    /// <summary>The lock of a single flight: the replica that fills the entry holds it.</summary>
    public static string ToolCacheFlight(string cacheNamespace, string key) => $"toolcache:{{{cacheNamespace}}}:flight:{Name(key)}";

    private static string Name(string text)
    {
        var escaped = Uri.EscapeDataString(text);
        return escaped.Length <= LongestName
            ? escaped
            : $"sha256-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }
}
