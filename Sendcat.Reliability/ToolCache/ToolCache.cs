using System.Globalization;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.ToolCache;

/// <summary>
/// A cache of tool results in Redis, shared by all replicas. A value is stored complete or not at all. The cache is best effort: while
/// Redis is unavailable every read is a miss and no write is stored.
/// </summary>
public sealed class ToolCache
{
    /// <summary>Maximum length of a value, in characters. A longer value is not stored.</summary>
    public const int MaxValueLength = 65_536;

    private static readonly RedisScript WriteScript = RedisScript.Embedded("write.lua");
    private static readonly RedisScript ReadScript = RedisScript.Embedded("read.lua");
    private static readonly RedisScript ClearScript = RedisScript.Embedded("clear.lua");
    private static readonly RedisScript CountScript = RedisScript.Embedded("count_entries.lua");

    private readonly GuardedRedis _redis;
    private readonly ToolCacheFlights _flights;
    private readonly TimeProvider _time;
    private readonly ToolCacheMetrics _metrics;

    internal ToolCache(GuardedRedis redis, ToolCacheFlights flights, TimeProvider time, ToolCacheMetrics metrics)
    {
        (_redis, _flights, _time, _metrics) = (redis, flights, time, metrics);
    }

    /// <summary>Reads a fresh value.</summary>
    /// <returns>The value; null: no fresh value, or Redis is unavailable.</returns>
    public async ValueTask<string?> GetAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken) =>
        await ReadAsync(space, key, cancellationToken) is { IsFresh: true } entry ? entry.Value : null;

    /// <summary>Reads a fresh or a stale value, for a caller whose upstream has failed.</summary>
    /// <returns>The value; null: neither a fresh nor a stale value, or Redis is unavailable.</returns>
    public async ValueTask<CachedValue?> GetEvenStaleAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken) =>
        await ReadAsync(space, key, cancellationToken);

    /// <summary>Stores a value.</summary>
    /// <returns>False: the value is too large, or Redis is unavailable or unresponsive.</returns>
    public async ValueTask<bool> SetAsync(ToolCacheNamespace space, string key, string value, CancellationToken cancellationToken)
    {
        if (value.Length > MaxValueLength)
        {
            _metrics.Written(space.Name, "too_large");
            return false;
        }

        if (_redis.IsUnresponsive)
        {
            // The caller holds a slot during the write. An unresponsive Redis must not extend that time.
            _metrics.Written(space.Name, "away");
            return false;
        }

        var freshUntil = (_time.GetUtcNow() + space.Ttl).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var reply = await _redis.MaintainAsync(
            WriteScript,
            [RedisKeys.ToolCacheEntry(space.Name, key), RedisKeys.ToolCacheIndex(space.Name)],
            [$"{freshUntil}:{value}", (long)(space.Ttl + space.StaleFor).TotalMilliseconds],
            cancellationToken);
        _metrics.Written(space.Name, reply is null ? "away" : "kept");
        if (reply is not null)
        {
            await _flights.AddNamespaceAsync(space.Name);
        }

        return reply is not null;
    }

    /// <summary>
    /// Returns the fresh value, or calls <paramref name="fill"/> for a new one. Single flight: concurrent callers on all replicas share one
    /// call of <paramref name="fill"/>. When it fails, a stale value is returned if there is one.
    /// </summary>
    /// <param name="fill">Has a timeout of 30 s. The cancellation of one caller does not cancel it.</param>
    /// <exception cref="Exception">The exception of <paramref name="fill"/>, when there is no stale value.</exception>
    public async Task<string> GetOrFillAsync(
        ToolCacheNamespace space, string key, Func<CancellationToken, Task<CacheFill>> fill, CancellationToken cancellationToken) =>
        await GetAsync(space, key, cancellationToken)
        ?? await _flights.JoinAsync(space.Name, key, flight => FillAsync(space, key, fill, flight)).WaitAsync(cancellationToken);

    /// <summary>Deletes entries of a namespace, those that expire first.</summary>
    /// <param name="space">The name of the namespace with its version.</param>
    /// <param name="maxDeletes">Maximum number of entries, clamped to 1–100 000.</param>
    /// <exception cref="TimeoutException">Redis is unavailable.</exception>
    public async Task<ClearedNamespace> ClearNamespaceAsync(
        string space, int maxDeletes = 10_000, CancellationToken cancellationToken = default)
    {
        const int MaxBatchSize = 1_000;
        var (limit, deleted, left) = (Math.Clamp(maxDeletes, 1, 100_000), 0, 1);
        while (deleted < limit && left > 0)
        {
            var reply = (int[]?)await _redis.MaintainAsync(
                ClearScript, [RedisKeys.ToolCacheIndex(space)], [Math.Min(MaxBatchSize, limit - deleted)], cancellationToken)
                ?? throw new TimeoutException("Redis is unavailable.");
            (deleted, left) = (deleted + reply[0], reply[1]);
        }

        return new(deleted, left > 0);
    }

    /// <summary>The names of all namespaces that have entries now or had entries before.</summary>
    /// <exception cref="TimeoutException">Redis is unavailable.</exception>
    public async Task<IReadOnlyList<string>> NamespacesAsync(CancellationToken cancellationToken) =>
        await _flights.NamespacesAsync(cancellationToken) ?? throw new TimeoutException("Redis is unavailable.");

    /// <summary>The number of fresh and stale entries of each namespace. Empty while Redis is unavailable.</summary>
    public async Task<IReadOnlyDictionary<string, int>> StatisticsAsync(CancellationToken cancellationToken)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var space in await _flights.NamespacesAsync(cancellationToken) ?? [])
        {
            if (await _redis.MaintainAsync(CountScript, [RedisKeys.ToolCacheIndex(space)], [], cancellationToken) is { } count)
            {
                counts[space] = (int)count;
            }
        }

        return counts;
    }

    private async Task<string> FillAsync(ToolCacheNamespace space, string key, Func<CancellationToken, Task<CacheFill>> fill, Flight flight)
    {
        // While another replica fills the entry, wait for its value. If it fails, this replica acquires the fill.
        while (!await flight.TryAcquireAsync())
        {
            await flight.WaitForFillAsync();
            if (await GetAsync(space, key, flight.TimedOut) is { } filledElsewhere)
            {
                return filledElsewhere;
            }
        }

        // Another replica may have stored a value after the read above and before this replica acquired the fill.
        if (await GetAsync(space, key, flight.TimedOut) is { } alreadyFilled)
        {
            return alreadyFilled;
        }

        try
        {
            var filled = await fill(flight.TimedOut);
            if (filled.Cacheable)
            {
                await SetAsync(space, key, filled.Value, flight.TimedOut);
            }

            return filled.Value;
        }
        catch (Exception) when (space.StaleFor > TimeSpan.Zero)
        {
            if (await GetEvenStaleAsync(space, key, CancellationToken.None) is { } stale)
            {
                return stale.Value;
            }

            throw;
        }
    }

    private async ValueTask<CachedValue?> ReadAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken)
    {
        var reply = await _redis.EvaluateAsync(ReadScript, [RedisKeys.ToolCacheEntry(space.Name, key)], [], cancellationToken);
        var entry = Parse((string?)reply);
        _metrics.Read(space.Name, reply is null ? "away" : entry switch { null => "miss", { IsFresh: true } => "hit", _ => "stale" });
        return entry;
    }

    /// <summary>Parses a stored entry: the time until which it is fresh (Unix time in ms), a colon, the value.</summary>
    private CachedValue? Parse(string? entry) =>
        entry?.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
            && long.TryParse(entry.AsSpan(0, colon), CultureInfo.InvariantCulture, out var freshUntil)
                ? new(entry[(colon + 1)..], _time.GetUtcNow().ToUnixTimeMilliseconds() < freshUntil)
                : null;
}

/// <summary>A value from the cache.</summary>
/// <param name="IsFresh">False: the value is stale, past its TTL.</param>
public sealed record CachedValue(string Value, bool IsFresh);

/// <summary>A new value for a cache entry.</summary>
/// <param name="Cacheable">False: return the value but do not store it, for example because it is partial.</param>
public sealed record CacheFill(string Value, bool Cacheable = true);

/// <summary>The result of <see cref="ToolCache.ClearNamespaceAsync"/>.</summary>
/// <param name="Deleted">Number of deleted entries.</param>
/// <param name="HasMore">The namespace still has entries.</param>
public sealed record ClearedNamespace(int Deleted, bool HasMore);
