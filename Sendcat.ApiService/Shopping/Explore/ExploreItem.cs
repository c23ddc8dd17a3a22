using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Shopping.Explore;

/// <param name="Brand">Absent if the shop does not return it.</param>
/// <param name="Rating">Average rating of the product by reviewers, 0–5; absent if there are no reviews.</param>
/// <param name="Price">Currency and value, such as <c>USD 49.99</c>; empty if there is none. Of an auction alone, the highest bid.</param>
/// <param name="PriceAmount">The price as a number.</param>
/// <param name="PriceCurrency">ISO 4217 code of the price.</param>
internal sealed record ExploreItem(
    string Id, string Title, string Image, string? Brand, double? Rating, string Price, decimal? PriceAmount, string? PriceCurrency,
    string Url)
{
    /// <returns>Null: id, title or address is missing.</returns>
    public static ExploreItem? Read(JsonElement item)
    {
        if (item.Id("itemId") is not { } id || item.Title() is not { } title || item.Address("itemWebUrl") is not { } url)
        {
            return null;
        }

        var price = Money.OfAmount(item.Part("price") ?? item.Part("currentBidPrice"));
        return new(
            id, title, item.Part("image")?.Address("imageUrl") ?? "", item.Name("brand"), RatingOf(item.Part("reviewRating")), price.Text,
            price.Amount,
            price.Currency, url);
    }

    private static double? RatingOf(JsonElement? reviews) =>
        reviews is { } rating && rating.Count("reviewCount") is > 0 ? rating.Number("averageRating") : null;
}

/// <param name="Total">Number of items over all pages.</param>
internal sealed record ExplorePage(IReadOnlyList<ExploreItem> Items, int Total)
{
    public static ExplorePage? Read(JsonElement response) => response.ValueKind is not JsonValueKind.Object ? null : new(
        [
            .. response.Items("itemSummaries").Select(ExploreItem.Read).OfType<ExploreItem>()
                .DistinctBy(item => item.Id, StringComparer.Ordinal),
        ],
        response.Count("total") ?? 0);
}
