using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/tool-cache</c>: counts and deletes entries of the tool cache.</summary>
internal static partial class ToolCacheOps
{
    private const int DefaultMaxDeletes = 10_000;
    private const int LargestMaxDeletes = 100_000;

    private static readonly TimeSpan RedisRetryAfter = TimeSpan.FromSeconds(1);

    public static void MapToolCache(this RouteGroupBuilder ops)
    {
        ops.MapGet("/tool-cache", StatisticsAsync).As("ops.toolCache", "Entries of the tool cache by namespace");
        ops.MapPost("/tool-cache/clear", ClearAsync).As("ops.clearToolCache", "Clear the tool cache: the entries of ?namespace=, or of all namespaces", 400, 503);
    }

    private static async Task<Ok<CacheView>> StatisticsAsync(ToolCache cache, CancellationToken cancellationToken)
    {
        var counts = await cache.StatisticsAsync(cancellationToken);
        return TypedResults.Ok(new CacheView(counts.Values.Sum(), counts));
    }

    private static async Task<Results<Ok<CacheCleared>, ApiError>> ClearAsync(
        HttpContext http, ToolCache cache, OperatorAudit audit, string? @namespace, string? maxDeletes, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(@namespace) && !NamespacePattern().IsMatch(@namespace))
        {
            return ApiError.InvalidRequest("namespace must be one, such as search_web_v1");
        }

        var most = DefaultMaxDeletes;
        if (!string.IsNullOrEmpty(maxDeletes) && !(int.TryParse(maxDeletes, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= LargestMaxDeletes))
        {
            return ApiError.InvalidRequest($"maxDeletes must be 1 to {LargestMaxDeletes}");
        }

        var cleared = await audit.RecordAsync(
            OpsEndpoints.By(http), "tool_cache.clear", string.IsNullOrEmpty(@namespace) ? "all" : @namespace,
            () => TryClearAsync(cache, @namespace, most, cancellationToken), cancellationToken);
        return cleared is null ? ApiError.UpstreamUnavailable(RedisRetryAfter, RefusalReason.RedisUnavailable) : TypedResults.Ok(cleared);
    }

    /// <returns>Null while Redis is unavailable.</returns>
    private static async Task<(CacheCleared? Cleared, string After)> TryClearAsync(
        ToolCache cache, string? space, int most, CancellationToken cancellationToken)
    {
        try
        {
            var cleared = await ClearNamespacesAsync(cache, space, most, cancellationToken);
            var left = cleared.HasMore ? ", more are left" : "";
            return (cleared, string.Create(CultureInfo.InvariantCulture, $"{cleared.Deleted} deleted{left}"));
        }
        catch (TimeoutException)
        {
            return (null, "Redis was away");
        }
    }

    private static async Task<CacheCleared> ClearNamespacesAsync(ToolCache cache, string? space, int most, CancellationToken cancellationToken)
    {
        IEnumerable<string> spaces = string.IsNullOrEmpty(space) ? await cache.NamespacesAsync(cancellationToken) : [space];
        var (byNamespace, more) = (new SortedDictionary<string, int>(StringComparer.Ordinal), false);
        foreach (var each in spaces)
        {
            var left = most - byNamespace.Values.Sum();
            if (left <= 0)
            {
                more = true;
                break;
            }

            var cleared = await cache.ClearNamespaceAsync(each, left, cancellationToken);
            byNamespace[each] = cleared.Deleted;
            more |= cleared.HasMore;
        }

        return new(byNamespace.Values.Sum(), more, byNamespace);
    }

    [GeneratedRegex(@"\A[a-z0-9_-]{1,64}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 100)]
    private static partial Regex NamespacePattern();
}

/// <summary>
/// Counts fresh entries, and stale ones that may still be served when an upstream fails. Zero while Redis is unavailable.
/// </summary>
internal sealed record CacheView(int SampledActiveEntries, IReadOnlyDictionary<string, int> ByNamespace);

/// <param name="HasMore">True when entries are left because of <c>maxDeletes</c>.</param>
internal sealed record CacheCleared(int Deleted, bool HasMore, IReadOnlyDictionary<string, int> ByNamespace);
