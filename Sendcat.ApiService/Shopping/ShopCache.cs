using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping;

/// <summary>
/// Caches responses of shops for all callers. Fetches of the same key are a single flight over all replicas. If the shop is unavailable, a
/// stale value is returned.
/// </summary>
internal sealed class ShopCache(ToolCache cache, ILogger<ShopCache> logger)
{
    /// <summary>Pages of the explore view. They have the version and the TTL of product searches.</summary>
    public static readonly ToolCacheKind Explore = new("explore", knobs => knobs.Of<SearchProductsOptions>().Cache);

    /// <summary>Details of single items, with the version and the TTL of product searches.</summary>
    public static readonly ToolCacheKind ItemDetails = new("item", knobs => knobs.Of<SearchProductsOptions>().Cache);

    /// <summary>Retry delay that is reported if the shop gives none.</summary>
    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromSeconds(2);

    /// <summary>Returns the cached value, or fetches it from the shop.</summary>
    /// <param name="function">Name of the operation in the log.</param>
    /// <param name="fetch">Sends the request to the shop. It is cancelled after 30 s.</param>
    /// <returns>
    /// The value; a null <see cref="ShopResult{T}.Value"/> if the shop has no such item (400, 404); the error 503 if the shop is
    /// unavailable and no stale value exists; the error 500 <c>misconfigured</c> if no API key is configured.
    /// </returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<Outcome<ShopResult<T>>> GetOrFetchAsync<T>(
        (ToolCacheNamespace Space, string Key) slot, JsonTypeInfo<T> contract, Func<CancellationToken, Task<UpstreamResult<T>>> fetch,
        string function, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            var json = await cache.GetOrFillAsync(
                slot.Space, slot.Key, async token => Fill(await fetch(token), contract), cancellationToken);
            return new ShopResult<T>(JsonSerializer.Deserialize(json, contract));
        }
        catch (ShopUnavailableException unavailable)
        {
            logger.ShopUnavailable(function, unavailable.Error.Message);
            return unavailable.Error.IsMisconfigured
                ? ApiError.Misconfigured("No shop is configured")
                : ApiError.UpstreamUnavailable(unavailable.Error.RetryAfter ?? DefaultRetryAfter, RefusalReason.ShopUnavailable);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.ShopUnavailable(function, "took too long");
            return ApiError.UpstreamUnavailable(DefaultRetryAfter, RefusalReason.ShopUnavailable);
        }
    }

    /// <summary>An item that does not exist is a valid result, not a failure, so no stale value replaces it.</summary>
    private static CacheFill Fill<T>(UpstreamResult<T> result, JsonTypeInfo<T> contract)
        where T : class =>
        result.IsSuccess ? new(JsonSerializer.Serialize(result.Value, contract))
        : result.Error.Status is 400 or 404 ? new("null", Cacheable: false)
        : throw new ShopUnavailableException(result.Error);

    /// <summary>Reports a failed fetch to the cache, which then returns a stale value if it has one.</summary>
    private sealed class ShopUnavailableException(UpstreamError error) : Exception(error.Message)
    {
        public UpstreamError Error => error;
    }
}

/// <param name="Value">Null: the shop has no such item.</param>
internal sealed record ShopResult<T>(T? Value)
    where T : class;
