using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Shopping.Explore;

/// <param name="Brand">Only if the shop tells it.</param>
/// <param name="Rating">Of people who reviewed the product, 0–5; absent when there are none.</param>
/// <param name="Price">Currency and value, <c>USD 49.99</c>.</param>
internal sealed record ExploreItem(string Id, string Title, string Image, string? Brand, double? Rating, string Price, string Url)
{
    public static ExploreItem? Read(JsonElement item) =>
        item.Id("itemId") is { } id && item.Title() is { } title && item.Address("itemWebUrl") is { } url
            ? new(id, title, item.Part("image")?.Address("imageUrl") ?? "", item.Name("brand"), Rated(item.Part("reviewRating")), ShopText.Price(item.Part("price")), url)
            : null;

    private static double? Rated(JsonElement? reviews) => reviews is { } rating && rating.Count("reviewCount") is > 0 ? rating.Number("averageRating") : null;
}

/// <param name="Total">Found over all pages.</param>
internal sealed record ExplorePage(IReadOnlyList<ExploreItem> Items, int Total)
{
    public static ExplorePage? Read(JsonElement answer) => answer.ValueKind is not JsonValueKind.Object ? null : new(
        [.. answer.Items("itemSummaries").Select(ExploreItem.Read).OfType<ExploreItem>().DistinctBy(item => item.Id, StringComparer.Ordinal)],
        answer.Count("total") ?? 0);
}
