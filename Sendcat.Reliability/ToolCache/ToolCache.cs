using System.Globalization;
using Sendcat.Reliability.Redis;

namespace Sendcat.Reliability.ToolCache;

/// <summary>
/// Results of tools, shared by all replicas through Redis. A value is kept whole or not at all. Everything is best effort: without Redis every question is a miss and
/// nothing is kept.
/// </summary>
public sealed class ToolCache
{
    /// <summary>Characters of a value; a longer one is not kept.</summary>
    public const int LongestValue = 65_536;

    private static readonly RedisScript Remember = RedisScript.Embedded("remember.lua");
    private static readonly RedisScript Recall = RedisScript.Embedded("recall.lua");
    private static readonly RedisScript Forget = RedisScript.Embedded("forget.lua");
    private static readonly RedisScript Census = RedisScript.Embedded("census.lua");

    private readonly GuardedRedis _redis;
    private readonly ToolCacheFlights _flights;
    private readonly TimeProvider _time;
    private readonly ToolCacheMetrics _metrics;

    internal ToolCache(GuardedRedis redis, ToolCacheFlights flights, TimeProvider time, ToolCacheMetrics metrics)
    {
        (_redis, _flights, _time, _metrics) = (redis, flights, time, metrics);
    }

    /// <returns>The fresh value, or null.</returns>
    public async ValueTask<string?> GetAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken) =>
        await RecallAsync(space, key, cancellationToken) is { IsFresh: true } entry ? entry.Value : null;

    /// <summary>For when the upstream has failed: a value that is fresh or not too long out of date.</summary>
    public async ValueTask<CachedValue?> GetEvenStaleAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken) =>
        await RecallAsync(space, key, cancellationToken);

    /// <returns>False: too large, or Redis is away or silent.</returns>
    public async ValueTask<bool> SetAsync(ToolCacheNamespace space, string key, string value, CancellationToken cancellationToken)
    {
        if (value.Length > LongestValue)
        {
            _metrics.Written(space.Name, "too_large");
            return false;
        }

        if (_redis.IsSilent)
        {
            // Whoever brings a value holds a place meanwhile; a silent Redis must not hold it for him.
            _metrics.Written(space.Name, "away");
            return false;
        }

        var freshUntil = (_time.GetUtcNow() + space.Ttl).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var answer = await _redis.MaintainAsync(
            Remember,
            [RedisKeys.ToolCacheEntry(space.Name, key), RedisKeys.ToolCacheIndex(space.Name)],
            [$"{freshUntil}:{value}", (long)(space.Ttl + space.StaleFor).TotalMilliseconds],
            cancellationToken);
        _metrics.Written(space.Name, answer is null ? "away" : "kept");
        if (answer is not null)
        {
            await _flights.ListAsync(space.Name);
        }

        return answer is not null;
    }

    /// <summary>
    /// The fresh value, or a new one: one call of <paramref name="fill"/> over all replicas and all who ask meanwhile. When it fails a stale value stands in.
    /// </summary>
    /// <param name="fill">Bounded by 30 s; not cancelled by one asker alone.</param>
    /// <exception cref="Exception">What <paramref name="fill"/> threw, when there is no stale value.</exception>
    public async Task<string> GetOrFillAsync(ToolCacheNamespace space, string key, Func<CancellationToken, Task<CacheFill>> fill, CancellationToken cancellationToken) =>
        await GetAsync(space, key, cancellationToken)
        ?? await _flights.JoinAsync(space.Name, key, flight => FillAsync(space, key, fill, flight)).WaitAsync(cancellationToken);

    /// <summary>Forgets entries of a namespace, given with its version.</summary>
    /// <param name="mostDeletes">1–100 000.</param>
    /// <exception cref="TimeoutException">Redis is away.</exception>
    public async Task<ClearedNamespace> ClearNamespaceAsync(string space, int mostDeletes = 10_000, CancellationToken cancellationToken = default)
    {
        const int Portion = 1_000;
        var (wanted, deleted, left) = (Math.Clamp(mostDeletes, 1, 100_000), 0, 1);
        while (deleted < wanted && left > 0)
        {
            var answer = (int[]?)await _redis.MaintainAsync(Forget, [RedisKeys.ToolCacheIndex(space)], [Math.Min(Portion, wanted - deleted)], cancellationToken)
                ?? throw new TimeoutException("Redis is away.");
            (deleted, left) = (deleted + answer[0], answer[1]);
        }

        return new(deleted, left > 0);
    }

    /// <summary>Every namespace that has something in it, or had.</summary>
    /// <exception cref="TimeoutException">Redis is away.</exception>
    public async Task<IReadOnlyList<string>> NamespacesAsync(CancellationToken cancellationToken) =>
        await _flights.ListedAsync(cancellationToken) ?? throw new TimeoutException("Redis is away.");

    /// <summary>Entries by namespace, fresh and stale; empty when Redis is away.</summary>
    public async Task<IReadOnlyDictionary<string, int>> StatisticsAsync(CancellationToken cancellationToken)
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var space in await _flights.ListedAsync(cancellationToken) ?? [])
        {
            if (await _redis.MaintainAsync(Census, [RedisKeys.ToolCacheIndex(space)], [], cancellationToken) is { } count)
            {
                counts[space] = (int)count;
            }
        }

        return counts;
    }

    private async Task<string> FillAsync(ToolCacheNamespace space, string key, Func<CancellationToken, Task<CacheFill>> fill, Flight flight)
    {
        // Another replica may be at it: then its value comes, or it gives up and it is our turn.
        while (!await flight.TakeOffAsync())
        {
            await flight.NewsAsync();
            if (await GetAsync(space, key, flight.Over) is { } theirs)
            {
                return theirs;
            }
        }

        // Somebody may have landed between our question and our turn.
        if (await GetAsync(space, key, flight.Over) is { } landed)
        {
            return landed;
        }

        try
        {
            var filled = await fill(flight.Over);
            if (filled.Keep)
            {
                await SetAsync(space, key, filled.Value, flight.Over);
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

    private async ValueTask<CachedValue?> RecallAsync(ToolCacheNamespace space, string key, CancellationToken cancellationToken)
    {
        var answer = await _redis.EvaluateAsync(Recall, [RedisKeys.ToolCacheEntry(space.Name, key)], [], cancellationToken);
        var entry = Parse((string?)answer);
        _metrics.Read(space.Name, answer is null ? "away" : entry switch { null => "miss", { IsFresh: true } => "hit", _ => "stale" });
        return entry;
    }

    /// <summary>The time until which it is fresh (Unix, ms), a colon, the value.</summary>
    private CachedValue? Parse(string? entry) =>
        entry?.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && long.TryParse(entry.AsSpan(0, colon), CultureInfo.InvariantCulture, out var freshUntil)
            ? new(entry[(colon + 1)..], _time.GetUtcNow().ToUnixTimeMilliseconds() < freshUntil)
            : null;
}

public sealed record CachedValue(string Value, bool IsFresh);

/// <param name="Keep">False for a result that is good enough to show once but not to keep, for instance a partial one.</param>
public sealed record CacheFill(string Value, bool Keep = true);

public sealed record ClearedNamespace(int Deleted, bool HasMore);
