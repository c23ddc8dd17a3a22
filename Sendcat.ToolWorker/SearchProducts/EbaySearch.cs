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
        if (item.Text("itemId") is not { } id || item.Text("title") is not { } title || item.Text("itemAffiliateWebUrl", "itemWebUrl") is not { } url)
        {
            return null;
        }

        var seller = item.Part("seller");
        return new(id, title, Price(item.Part("price")), item.Part("image")?.Text("imageUrl") ?? "", url)
        {
            Source = "ebay",
            MerchantName = "eBay",
            MerchantDomain = "ebay.com",
            ProductUrl = url,
            SellerName = seller?.Text("username"),
            SellerFeedback = seller?.Text("feedbackPercentage") is { } share ? share + "%" : null,
            Condition = item.Text("condition"),
        };
    }

    private static string Price(JsonElement? price) => price is { } of && of.Text("value") is { } value ? $"{of.Text("currency") ?? "USD"} {value}" : "";
}
