using System.Text.Json;
using Sendcat.Reliability.ToolJobs.Tools;
using Sendcat.ToolWorker.SearchGlobal;
using Sendcat.ToolWorker.SearchProducts;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ProductTests
{
    [Theory]
    [InlineData("""{"title":"K","link":"https://www.shop.example/k","source":"Shop"}""", "shop.example", "https://www.shop.example/k")]
    [InlineData("""{"title":"K","product_link":"https://www.google.com/shopping/1","source":"best.example"}""", "best.example", "https://best.example")]
    [InlineData("""{"title":"K","link":"https://www.google.com/shopping/1","source":"Best Buy"}""", "bestbuy.com", "https://bestbuy.com")]
    [InlineData("""{"title":"K","link":"https://www.google.com/shopping/1"}""", null, "https://www.google.com/search?q=K")]
    public void A_merchant_is_found_by_his_link_or_his_label(string row, string? domain, string productUrl)
    {
        var product = GlobalProduct.Read(JsonDocument.Parse(row).RootElement)!;

        Assert.Equal((domain, productUrl), (product.MerchantDomain, product.ProductUrl));
    }

    [Fact]
    public void A_row_without_a_link_is_dropped() => Assert.Null(GlobalProduct.Read(JsonDocument.Parse("""{"title":"K","price":"$1"}""").RootElement));

    [Fact]
    public void Things_are_told_apart_by_address_then_id_then_looks()
    {
        Assert.Equal("https://a", new Product("1", "K", "$1", "", "https://a").Identity());
        Assert.Equal("1", new Product("1", "K", "$1", "", "").Identity());
        Assert.Equal("k|$1||", new Product("", "K", "$1", "", "").Identity());
        Assert.Null(new Product("", "", "", "", "").Identity());
    }

    [Fact]
    public void A_search_is_spelled_in_ebays_words() =>
        Assert.Equal(
            "buy/browse/v1/item_summary/search?q=rice cooker&category_ids=77&limit=6&filter=buyingOptions:{FIXED_PRICE},price:[..60],priceCurrency:USD,conditionIds:{3000},itemLocationCountry:JM",
            Uri.UnescapeDataString(EbayQuery.Of(new("rice cooker", 3, SellerRating: 97) { CategoryId = "77", MaxPrice = 60, Condition = "used", Location = "jm" })));

    [Theory]
    [InlineData(10, 60, "price:[10..60]")]
    [InlineData(10, null, "price:[10]")]
    [InlineData(null, 60, "price:[..60]")]
    public void Dots_stand_in_a_price_that_has_an_upper_end(int? least, int? most, string filter) =>
        Assert.Contains(filter + ",priceCurrency:USD", Uri.UnescapeDataString(EbayQuery.Of(new("k", 3) { MinPrice = least, MaxPrice = most })), StringComparison.Ordinal);

    [Theory]
    [InlineData("$59.99", true)]
    [InlineData("$60.01", false)]
    [InlineData("US $1,299.00", false)]
    [InlineData("USD 9", false)]
    [InlineData("$49.00 now", true)]
    [InlineData("59,99 €", true)]
    [InlineData("", true)]
    public void A_find_outside_the_budget_is_left_out_if_its_price_is_understood(string price, bool kept) =>
        Assert.Equal(kept, PriceFilter.Allows(new("k", 3) { MinPrice = 10, MaxPrice = 60 }, new Product("1", "K", price, "", "https://a")));
}
