using System.Globalization;
using System.Text.Json;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.Outbound.Ebay;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.SearchProducts;

/// <summary>eBay's Browse search.</summary>
internal sealed class EbaySearch(EbayClient ebay)
{
    /// <param name="tooLate">Rings when the answer is no longer waited for, which is eBay's failure.</param>
    public Task<UpstreamAnswer<IReadOnlyList<Product>>> SearchAsync(SearchProductsArguments asked, CancellationToken tooLate, CancellationToken cancellationToken) =>
        ebay.GetAsync(EbayQuery.Of(asked), answer => Read(answer, asked), cancellationToken, UpstreamPolicy.Ebay.ForJobs(tooLate));

    /// <summary>Leaves out sellers with too little praise, and lets what arrives first stand first when it was asked for fast.</summary>
    private static IReadOnlyList<Product>? Read(JsonElement answer, SearchProductsArguments asked)
    {
        if (answer.ValueKind is not JsonValueKind.Object)
        {
            return null;
        }

        var items = answer.Items("itemSummaries").Where(item => item.Part("seller")?.Number("feedbackPercentage") is not { } share || share >= asked.SellerRating);
        return (asked.Shipping == "fast" ? items.OrderBy(Arrives) : items).Select(Product).OfType<Product>().Take(asked.Limit).ToArray();
    }

    /// <summary>By its fastest way of shipping; those that do not say come last.</summary>
    private static DateTimeOffset Arrives(JsonElement item) => item.Items("shippingOptions")
        .Select(option => DateTimeOffset.TryParse(option.Text("maxEstimatedDeliveryDate"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) ? day : DateTimeOffset.MaxValue)
        .DefaultIfEmpty(DateTimeOffset.MaxValue)
        .Min();

    private static Product? Product(JsonElement item)
    {
        if (item.Id("itemId") is not { } id || item.Title() is not { } title || item.Address("itemAffiliateWebUrl", "itemWebUrl") is not { } url)
        {
            return null;
        }

        var seller = item.Part("seller");
        return new(id, title, Price(item.Part("price")), item.Part("image")?.Address("imageUrl") ?? "", url)
        {
            Source = "ebay",
            MerchantName = "eBay",
            MerchantDomain = "ebay.com",
            ProductUrl = url,
            SellerName = seller?.Name("username"),
            SellerFeedback = seller?.Price("feedbackPercentage") is { } share ? share + "%" : null,
            Condition = item.Name("condition"),
        };
    }

    private static string Price(JsonElement? price) => price is { } of && of.Price("value") is { } value ? Row.Cut($"{of.Text("currency") ?? "USD"} {value}", Row.LongestPrice) : "";
}
