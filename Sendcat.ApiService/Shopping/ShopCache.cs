using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping;

/// <summary>
/// What shops show, the same for everybody: kept for a while, asked for once at a time over all replicas, and shown somewhat old when the shop does not answer.
/// </summary>
internal sealed class ShopCache(ToolCache cache, ILogger<ShopCache> logger)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(2);

    /// <param name="function">Names the operation in the log.</param>
    /// <param name="ask">Bounded by 30 s.</param>
    /// <returns>What the shop shows; a null <see cref="Shown{T}.Value"/> if it has no such thing (400, 404); 503 if it cannot be asked; 500 <c>misconfigured</c> without a key.</returns>
    public async Task<Outcome<Shown<T>>> LookAsync<T>(
        (ToolCacheNamespace Space, string Key) slot, JsonTypeInfo<T> contract, Func<CancellationToken, Task<UpstreamAnswer<T>>> ask, string function, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            var json = await cache.GetOrFillAsync(slot.Space, slot.Key, async flight => Fill(await ask(flight), contract), cancellationToken);
            return new Shown<T>(JsonSerializer.Deserialize(json, contract));
        }
        catch (ShopUnavailableException closed)
        {
            logger.ShopUnavailable(function, closed.Error.Message);
            return closed.Error.IsMisconfigured
                ? ApiError.Misconfigured("No shop is configured")
                : ApiError.UpstreamUnavailable(closed.Error.RetryAfter ?? AskAgain);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.ShopUnavailable(function, "took too long");
            return ApiError.UpstreamUnavailable(AskAgain);
        }
    }

    /// <summary>A thing that is gone is an answer, not a failure: nothing old may stand in for it.</summary>
    private static CacheFill Fill<T>(UpstreamAnswer<T> answer, JsonTypeInfo<T> contract)
        where T : class =>
        answer.IsGood ? new(JsonSerializer.Serialize(answer.Value, contract))
        : answer.Error.Status is 400 or 404 ? new("null", Keep: false)
        : throw new ShopUnavailableException(answer.Error);

    /// <summary>The cache wants a failure thrown, so that an older value may stand in.</summary>
    private sealed class ShopUnavailableException(UpstreamError error) : Exception(error.Message)
    {
        public UpstreamError Error => error;
    }
}

internal sealed record Shown<T>(T? Value)
    where T : class;
