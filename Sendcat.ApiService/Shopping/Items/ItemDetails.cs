using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Shopping.Items;

/// <summary>
/// One item on eBay. A value that eBay does not return is absent. Descriptions are plain text; the sellers' HTML is removed.
/// </summary>
/// <param name="Price">Currency and value, such as <c>USD 49.99</c>; empty if there is none. Of an auction alone, the highest bid.</param>
/// <param name="PriceAmount">The price as a number.</param>
/// <param name="PriceCurrency">ISO 4217 code of the price.</param>
/// <param name="Images">At most 24 addresses. The first one is <paramref name="Image"/>.</param>
/// <param name="SellerFeedback">Share of positive feedback, such as <c>98.7%</c>.</param>
/// <param name="Quantity">Remaining number of items, if the seller publishes it.</param>
/// <param name="Rating">Average rating of the product by reviewers, 0–5; absent if there are no reviews.</param>
internal sealed record ItemDetails(
    string Id,
    string Title,
    string Price,
    decimal? PriceAmount,
    string? PriceCurrency,
    string Image,
    string Url,
    IReadOnlyList<string> Images,
    string? Subtitle,
    string? Description,
    string? Brand,
    string? Condition,
    string? CategoryId,
    string? CategoryPath,
    string? SellerName,
    string? SellerFeedback,
    string? Location,
    int? Quantity,
    double? Rating,
    int? Reviews,
    IReadOnlyList<ShippingOption> Shipping,
    IReadOnlyList<ItemAspect> Aspects)
{
    private const int MaxImages = 24;
    private const int MaxAspects = 60;
    private const int MaxShippingOptions = 10;
    private const int MaxDescriptionLength = 4_000;

    /// <returns>Null: id, title or address is missing.</returns>
    public static ItemDetails? Read(JsonElement item)
    {
        if (item.Id("itemId") is not { } id || item.Title() is not { } title || item.Address("itemWebUrl") is not { } url)
        {
            return null;
        }

        var (seller, product, reviews) = (item.Part("seller"), item.Part("product"), item.Part("primaryProductReviewRating"));
        var reviewed = reviews?.Count("reviewCount") is > 0;
        string[] images =
        [
            .. new[] { item.Part("image") }.Concat(item.Items("additionalImages").Select(image => (JsonElement?)image))
                .Select(image => image?.Address("imageUrl")).OfType<string>().Distinct(StringComparer.Ordinal).Take(MaxImages),
        ];
        var price = Money.OfAmount(item.Part("price") ?? item.Part("currentBidPrice"));
        return new(
            id, title, price.Text, price.Amount, price.Currency, images.FirstOrDefault() ?? "", url, images,
            Row.Cut(item.Text("subtitle"), Row.LongestTitle),
            ShopText.Plain(item.Text("shortDescription") ?? product?.Text("description"), MaxDescriptionLength),
            item.Name("brand") ?? product?.Name("brand"),
            item.Name("condition"),
            item.Id("categoryId"),
            Row.Cut(item.Text("categoryPath"), Row.LongestTitle)?.Replace("|", " > ", StringComparison.Ordinal),
            seller?.Name("username"),
            seller?.Price("feedbackPercentage") is { } share ? share + "%" : null,
            item.Part("itemLocation") is { } location
                ? ShopText.Joined(", ", location.Name("city"), location.Name("stateOrProvince"), location.Name("country"))
                : null,
            item.Items("estimatedAvailabilities")
                .Select(stock => stock.Count("estimatedAvailableQuantity", "estimatedRemainingQuantity")).FirstOrDefault(),
            reviewed ? reviews?.Number("averageRating") : null,
            reviewed ? reviews?.Count("reviewCount") : null,
            [.. item.Items("shippingOptions").Select(ShippingOption.Read).Take(MaxShippingOptions)],
            [.. item.Items("localizedAspects").Select(ItemAspect.Read).OfType<ItemAspect>().Take(MaxAspects)]);
    }
}

/// <param name="Cost">Currency and value; absent if the cost depends on the address.</param>
/// <param name="CostAmount">The cost as a number.</param>
/// <param name="CostCurrency">ISO 4217 code of the cost.</param>
internal sealed record ShippingOption(string? Service, string? Cost, decimal? CostAmount, string? CostCurrency)
{
    public static ShippingOption Read(JsonElement option)
    {
        var cost = Money.OfAmount(option.Part("shippingCost"));
        return new(
            option.Name("shippingServiceCode", "shippingCarrierCode"), cost.Text.Length == 0 ? null : cost.Text, cost.Amount,
            cost.Currency);
    }
}

internal sealed record ItemAspect(string Name, string Value)
{
    public static ItemAspect? Read(JsonElement aspect) =>
        aspect.Name("name") is { } name && Row.Cut(aspect.Text("value"), Row.LongestTitle) is { } value ? new(name, value) : null;
}
