using System.Globalization;
using System.Text.Json;
using Sendcat.Integrations.Ebay;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>Client of eBay's Browse search.</summary>
internal sealed class EbaySearch(EbayClient ebay)
{
    /// <param name="tooLate">
    /// Cancelled when the caller no longer waits for the response. The circuit breaker counts this as a failure of eBay.
    /// </param>
    public Task<UpstreamResult<IReadOnlyList<Product>>> SearchAsync(
        SearchProductsArguments request, CancellationToken tooLate, CancellationToken cancellationToken) =>
        ebay.GetAsync(
            EbayQuery.Of(request), response => Read(response, request), cancellationToken, EbaySearchProvider.Policy.ForJobs(tooLate));

    /// <summary>Drops items of sellers with too little positive feedback. For fast shipping it sorts the items by delivery date.</summary>
    internal static IReadOnlyList<Product>? Read(JsonElement response, SearchProductsArguments request)
    {
        if (response.ValueKind is not JsonValueKind.Object)
        {
            return null;
        }

        var items = response.Items("itemSummaries")
            .Where(item => item.Part("seller")?.Number("feedbackPercentage") is not { } share || share >= request.SellerRating);
        return (request.Shipping == "fast" ? items.OrderBy(DeliveryDate) : items).Select(Product).OfType<Product>().Take(request.Limit)
            .ToArray();
    }

    /// <summary>The earliest delivery date over all shipping options. Items without a date sort last.</summary>
    private static DateTimeOffset DeliveryDate(JsonElement item) => item.Items("shippingOptions")
        .Select(option =>
            DateTimeOffset.TryParse(
                option.Text("maxEstimatedDeliveryDate"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day)
                ? day
                : DateTimeOffset.MaxValue)
        .DefaultIfEmpty(DateTimeOffset.MaxValue)
        .Min();

    private static Product? Product(JsonElement item)
    {
        if (item.Id("itemId") is not { } id
            || item.Title() is not { } title
            || item.Address("itemAffiliateWebUrl", "itemWebUrl") is not { } url)
        {
            return null;
        }

        var seller = item.Part("seller");
        // An item that is only in an auction has no price but a highest bid.
        var price = Money.OfAmount(item.Part("price") ?? item.Part("currentBidPrice"));
        return new(id, title, price.Text, item.Part("image")?.Address("imageUrl") ?? "", url)
        {
            PriceAmount = price.Amount,
            PriceCurrency = price.Currency,
            Source = "ebay",
            MerchantName = "eBay",
            MerchantDomain = "ebay.com",
            ProductUrl = url,
            SellerName = seller?.Name("username"),
            SellerFeedback = seller?.Price("feedbackPercentage") is { } share ? share + "%" : null,
            Condition = item.Name("condition"),
        };
    }
}
