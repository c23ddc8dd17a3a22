using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Integrations.Ebay;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping.Items;

/// <summary><c>/api/shopping/items/{id}</c>.</summary>
internal static class ItemEndpoint
{
    private const string Function = "shopping.getItemDetails";

    public static void MapItems(this IEndpointRouteBuilder app) =>
        app.MapGroup("/api/shopping").WithTags("Shopping")
            .MapGet("/items/{id}", GetAsync).RequireLimit(RequestBudget.Shopping)
            .As(Function, "One item on eBay, by its id or the number in its link", 400, 401, 404, 429, 500, 503);

    private static async Task<Results<Ok<ItemDetails>, ApiError>> GetAsync(
        HttpContext http, string id, ShoppingGuard guard, ShopCache cache, EbayClient ebay, ToolCacheNamespaces namespaces,
        IOptionsMonitor<EbayOptions> options, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out _, out var refusal))
        {
            return refusal;
        }

        if (ItemId.PathOf(id) is not { } path)
        {
            return ApiError.InvalidRequest("id must be an eBay item id, such as v1|123456789012|0");
        }

        var slot = (
            namespaces.Of(ShopCache.ItemDetails), ToolCacheKey.Of(("id", id), ("marketplaceId", options.CurrentValue.MarketplaceId)));
        var result = await cache.GetOrFetchAsync(
            slot, ShoppingJson.Default.ItemDetails, token => ebay.GetAsync(path, ItemDetails.Read, token), Function, cancellationToken);
        return !result.TryGet(out var found, out refusal) ? refusal
            : found.Value is { } item ? TypedResults.Ok(item)
            : ApiError.NotFound("No such item");
    }
}
