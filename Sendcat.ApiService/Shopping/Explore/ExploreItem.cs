using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Shopping.Explore;

/// <param name="Brand">Absent if the shop does not return it.</param>
/// <param name="Rating">Average rating of the product by reviewers, 0–5; absent if there are no reviews.</param>
/// <param name="Price">Currency and value, such as <c>USD 49.99</c>; empty if there is none.</param>
internal sealed record ExploreItem(string Id, string Title, string Image, string? Brand, double? Rating, string Price, string Url)
{
    /// <returns>Null: id, title or address is missing.</returns>
    public static ExploreItem? Read(JsonElement item) =>
        item.Id("itemId") is { } id && item.Title() is { } title && item.Address("itemWebUrl") is { } url
            ? new(
                id, title, item.Part("image")?.Address("imageUrl") ?? "", item.Name("brand"), RatingOf(item.Part("reviewRating")),
                ShopText.Price(item.Part("price")), url)
            : null;

    private static double? RatingOf(JsonElement? reviews) =>
        reviews is { } rating && rating.Count("reviewCount") is > 0 ? rating.Number("averageRating") : null;
}

/// <param name="Total">Number of items over all pages.</param>
internal sealed record ExplorePage(IReadOnlyList<ExploreItem> Items, int Total)
{
    public static ExplorePage? Read(JsonElement response) => response.ValueKind is not JsonValueKind.Object ? null : new(
        [.. response.Items("itemSummaries").Select(ExploreItem.Read).OfType<ExploreItem>().DistinctBy(item => item.Id, StringComparer.Ordinal)],
        response.Count("total") ?? 0);
}
