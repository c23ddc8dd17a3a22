using System.Globalization;
using Sendcat.UpstreamEmulator.Shop;

namespace Sendcat.UpstreamEmulator.Ebay;

/// <summary>Renders an offer in the format of the Browse API, in which amounts of money and percentages are strings.</summary>
internal static class EbayItem
{
    public static string Id(Offer offer) => $"v1|{offer.Number}|0";

    public static object Summary(HttpRequest request, Offer offer, DateTimeOffset now) => new
    {
        itemId = Id(offer),
        legacyItemId = offer.Number,
        offer.Title,
        price = Usd(offer.Cents),
        image = new { imageUrl = Pictures.Of(request, offer) },
        condition = offer.Condition.Name,
        conditionId = offer.Condition.Id,
        seller = Seller(offer),
        shippingOptions = Shipping(offer, now),
        itemLocation = new { country = offer.Country, postalCode = "331**" },
        buyingOptions = new[] { offer.Auction ? "AUCTION" : "FIXED_PRICE" },
        itemWebUrl = Address(offer),
        categories = new[] { new { categoryId = "20667", categoryName = "Small Kitchen Appliances" } },
    };

    /// <summary>The response to <c>GET item/{id}</c> with <c>fieldgroups=PRODUCT</c>.</summary>
    public static object Details(HttpRequest request, Offer offer, DateTimeOffset now) => new
    {
        itemId = Id(offer),
        legacyItemId = offer.Number,
        offer.Title,
        shortDescription = $"{offer.Title}. Ships from {offer.Country}.",
        description = $"<p>{offer.Title}.</p><p>{offer.Condition.Name}, as pictured.</p>",
        price = Usd(offer.Cents),
        image = new { imageUrl = Pictures.Of(request, offer), width = 320, height = 320 },
        additionalImages = new[] { new { imageUrl = Pictures.Of(request, offer) + "&side=back" } },
        condition = offer.Condition.Name,
        conditionId = offer.Condition.Id,
        offer.Brand,
        color = offer.Title[(offer.Title.LastIndexOf(',') + 2)..],
        seller = Seller(offer),
        shippingOptions = Shipping(offer, now),
        itemLocation = new { city = "Miami", stateOrProvince = "Florida", country = offer.Country },
        estimatedAvailabilities = new[]
        {
            new { estimatedAvailabilityStatus = "IN_STOCK", estimatedAvailableQuantity = 1 + (offer.Reviews % 9) },
        },
        buyingOptions = new[] { offer.Auction ? "AUCTION" : "FIXED_PRICE" },
        itemWebUrl = Address(offer),
        categoryPath = "Home & Garden|Kitchen, Dining & Bar|Small Kitchen Appliances",
        categoryId = "20667",
        localizedAspects = new[]
        {
            new { type = "STRING", name = "Brand", value = offer.Brand },
            new { type = "STRING", name = "Country of Origin", value = offer.Country },
        },
        product = new { title = offer.Title, brand = offer.Brand, description = $"{offer.Title}, described by its maker." },
    };

    private static object Seller(Offer offer) => new
    {
        username = offer.Seller.Name,
        feedbackPercentage = offer.Seller.Feedback.ToString("0.0", CultureInfo.InvariantCulture),
        feedbackScore = offer.Seller.Score,
    };

    private static object[]? Shipping(Offer offer, DateTimeOffset now) => offer.ShippingCents is not { } cents ? null :
    [
        new
        {
            shippingCostType = "FIXED",
            shippingCost = Usd(cents),
            minEstimatedDeliveryDate = Day(now, offer.Days),
            maxEstimatedDeliveryDate = Day(now, offer.Days + 2),
            guaranteedDelivery = offer.Days <= 3,
        },
    ];

    private static object Usd(int cents) => new { value = Money.Text(cents), currency = "USD" };

    private static string Day(DateTimeOffset now, int days) =>
        now.UtcDateTime.Date.AddDays(days).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string Address(Offer offer) => $"https://www.ebay.com/itm/{offer.Number}";
}
