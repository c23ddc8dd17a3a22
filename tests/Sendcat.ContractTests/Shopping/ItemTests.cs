using System.Net;
using System.Text.Json;
using Sendcat.ApiService.Shopping;
using Sendcat.ApiService.Shopping.Items;

namespace Sendcat.ContractTests.Shopping;

public sealed class ItemTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Item_details_are_fetched_from_eBay_once_and_then_cached()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var guest = await shop.Api.GuestAsync();
        var found = (await (await guest.GetAsync("/api/shopping/explore?q=kettle&limit=1")).JsonAsync())["items"]![0]!;

        var item = await (await guest.GetAsync($"/api/shopping/items/{Uri.EscapeDataString((string)found["id"]!)}")).JsonAsync();
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/items/{Uri.EscapeDataString((string)found["id"]!)}"))
            .JsonAsync();

        Assert.Equal(((string)found["title"]!, (string)found["price"]!), ((string)item["title"]!, (string)item["price"]!));
        Assert.Equal(((decimal)found["priceAmount"]!, "USD"), ((decimal)item["priceAmount"]!, (string)item["priceCurrency"]!));
        Assert.Equal(
            (2, "Home & Garden > Kitchen, Dining & Bar > Small Kitchen Appliances"),
            (item["images"]!.AsArray().Count, (string)item["categoryPath"]!));
        Assert.NotEmpty((string)item["brand"]!);
        Assert.EndsWith("%", (string)item["sellerFeedback"]!, StringComparison.Ordinal);
        Assert.Null(item["rating"]);
        Assert.Equal(1, shop.RequestCount("browse/v1/item/"));
    }

    [Fact]
    public async Task A_legacy_item_number_resolves_to_its_item_id()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var item = await (await (await shop.Api.GuestAsync()).GetAsync("/api/shopping/items/123456789012")).JsonAsync();
        Assert.Equal("v1|123456789012|0", (string)item["id"]!);
    }

    [Fact]
    public async Task A_missing_item_is_404_and_is_not_cached()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var guest = await shop.Api.GuestAsync();

        for (var i = 0; i < 2; i++)
        {
            await (await guest.GetAsync("/api/shopping/items/v1%7C404%7C0")).RefusedAsync(HttpStatusCode.NotFound, "not_found");
        }

        Assert.Equal(2, shop.RequestCount("browse/v1/item/"));
    }

    [Theory]
    [InlineData("kettle")]
    [InlineData("v1%7C1%7C0%7C0")]
    [InlineData("v1%7C%7C")]
    [InlineData("v1%7C..%7C0")]
    [InlineData("12")]
    [InlineData("123456789%0A")]
    [InlineData("%20")]
    [InlineData("v1%7C1%7C0%3Ffieldgroups=x")]
    public async Task An_invalid_item_id_is_rejected(string id)
    {
        await using var shop = await Shop.StartAsync(postgres);
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/items/{id}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Empty(shop.Ebay.Requests);
    }

    [Fact]
    public async Task A_revoked_token_is_replaced_by_a_new_one()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var guest = await shop.Api.GuestAsync();
        await (await guest.GetAsync("/api/shopping/items/123456789012")).JsonAsync();

        shop.Ebay.RevokeEbayTokens();

        await (await guest.GetAsync("/api/shopping/items/123456789013")).JsonAsync();
        Assert.Equal(2, shop.RequestCount("oauth2/token"));
    }

    [Theory]
    [InlineData("<p>Fine <b>kettle</b>.</p>", "Fine kettle .")]
    [InlineData("a &amp; b", "a & b")]
    [InlineData("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)")]
    [InlineData("5 < 6 <img src=x onerror=alert(1)", "5 < 6")]
    [InlineData("  <br> ", null)]
    [InlineData(null, null)]
    public void Descriptions_are_plain_text(string? html, string? expected) => Assert.Equal(expected, ShopText.Plain(html, 100));

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"itemId":7,"title":" ","itemWebUrl":"u"}""")]
    [InlineData("""{"itemId":"v1|1|0","title":"t"}""")]
    public void An_item_without_its_required_fields_is_ignored(string json) =>
        Assert.Null(ItemDetails.Read(JsonDocument.Parse(json).RootElement));

    [Fact]
    public void A_rating_needs_at_least_one_review_and_malformed_fields_are_ignored()
    {
        const string Item = """{"itemId":"v1|1|0","title":"t","itemWebUrl":"https://shop.test/1","image":7,"shippingOptions":[{}],"localizedAspects":[7,{"name":"Colour"},{"name":"Colour","value":"red"}],"primaryProductReviewRating":{"averageRating":"4.5","reviewCount":COUNT}}""";

        var rated = ItemDetails.Read(JsonDocument.Parse(Item.Replace("COUNT", "12", StringComparison.Ordinal)).RootElement)!;
        var unrated = ItemDetails.Read(JsonDocument.Parse(Item.Replace("COUNT", "0", StringComparison.Ordinal)).RootElement)!;

        Assert.Equal((4.5, 12), (rated.Rating, rated.Reviews));
        Assert.Equal((null, null), (unrated.Rating, unrated.Reviews));
        Assert.Equal(("", "", new ItemAspect("Colour", "red")), (rated.Image, rated.Price, Assert.Single(rated.Aspects)));
    }
}
