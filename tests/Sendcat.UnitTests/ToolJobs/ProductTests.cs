using System.Text.Json;
using Sendcat.ApiService.Shopping.Explore;
using Sendcat.Integrations.Tools;
using Sendcat.ToolWorker.SearchGlobal;
using Sendcat.ToolWorker.SearchProducts;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ProductTests
{
    [Theory]
    [InlineData("""{"title":"K","link":"https://www.shop.example/k","source":"Shop"}""", "shop.example", "https://www.shop.example/k")]
    [InlineData(
        """{"title":"K","product_link":"https://www.google.com/shopping/1","source":"best.example"}""", "best.example",
        "https://best.example")]
    [InlineData("""{"title":"K","link":"https://www.google.com/shopping/1","source":"Best Buy"}""", "bestbuy.com", "https://bestbuy.com")]
    [InlineData("""{"title":"K","link":"https://www.google.com/shopping/1"}""", null, "https://www.google.com/search?q=K")]
    public void A_merchant_is_identified_by_its_link_or_its_label(string row, string? domain, string productUrl)
    {
        var product = GlobalProduct.Read(JsonDocument.Parse(row).RootElement)!;

        Assert.Equal((domain, productUrl), (product.MerchantDomain, product.ProductUrl));
    }

    [Fact]
    public void A_row_without_a_link_is_dropped() =>
        Assert.Null(GlobalProduct.Read(JsonDocument.Parse("""{"title":"K","price":"$1"}""").RootElement));

    /// <summary>A row with a script as its link, one in another currency, one in an auction alone, and something that is no row.</summary>
    [Fact]
    public void Rows_of_eBay_have_web_links_and_prices_with_their_currency()
    {
        var response = JsonDocument.Parse("""
            {"total":5,"itemSummaries":[
              {"itemId":"v1|1|0","title":"Script","price":{"value":"9.00","currency":"USD"},"itemWebUrl":"javascript:alert(2)","itemAffiliateWebUrl":"data:text/html,x"},
              {"itemId":"v1|2|0","title":"Euros","price":{"value":"7.50","currency":"EUR"},"itemWebUrl":"https://www.ebay.de/itm/2"},
              {"itemId":"v1|3|0","title":"Auction","currentBidPrice":{"value":"2.25","currency":"USD"},"bidCount":4,"buyingOptions":["AUCTION"],"itemWebUrl":"https://www.ebay.com/itm/3"},
              {"itemId":"v1|4|0","title":"No price","itemWebUrl":"https://www.ebay.com/itm/4"},
              null, 7
            ]}
            """).RootElement;
        (string, string, decimal?, string?)[] expected =
        [
            ("https://www.ebay.de/itm/2", "EUR 7.50", 7.5m, "EUR"), ("https://www.ebay.com/itm/3", "USD 2.25", 2.25m, "USD"),
            ("https://www.ebay.com/itm/4", "", null, null),
        ];

        var products = EbaySearch.Read(response, new("k", 9))!;

        Assert.Equal(expected, products.Select(product => (product.Url, product.Price, product.PriceAmount, product.PriceCurrency)));
        Assert.Equal(
            expected, ExplorePage.Read(response)!.Items.Select(item => (item.Url, item.Price, item.PriceAmount, item.PriceCurrency)));
    }

    [Fact]
    public void A_product_is_identified_by_URL_then_id_then_title_and_price()
    {
        Assert.Equal("https://a", new Product("1", "K", "$1", "", "https://a").Identity());
        Assert.Equal("1", new Product("1", "K", "$1", "", "").Identity());
        Assert.Equal("k|$1||", new Product("", "K", "$1", "", "").Identity());
        Assert.Null(new Product("", "", "", "", "").Identity());
    }

    [Fact]
    public void A_search_is_translated_to_the_query_syntax_of_eBay() =>
        Assert.Equal(
            "buy/browse/v1/item_summary/search?q=rice cooker&category_ids=77&limit=6&filter=buyingOptions:{FIXED_PRICE},price:[..60],priceCurrency:USD,conditionIds:{3000},itemLocationCountry:JM",
            Uri.UnescapeDataString(
                EbayQuery.Of(
                    new("rice cooker", 3, SellerRating: 97) { CategoryId = "77", MaxPrice = 60, Condition = "used", Location = "jm" })));

    [Theory]
    [InlineData(10, 60, "price:[10..60]")]
    [InlineData(10, null, "price:[10]")]
    [InlineData(null, 60, "price:[..60]")]
    public void A_price_filter_contains_dots_only_with_an_upper_bound(int? min, int? max, string filter) =>
        Assert.Contains(
            filter + ",priceCurrency:USD", Uri.UnescapeDataString(EbayQuery.Of(new("k", 3) { MinPrice = min, MaxPrice = max })),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("$59.99", true)]
    [InlineData("$60.01", false)]
    [InlineData("US $1,299.00", false)]
    [InlineData("USD 9", false)]
    [InlineData("$49.00 now", true)]
    [InlineData("5,99 €", true)]
    [InlineData("", true)]
    public void A_product_outside_the_price_range_is_removed_if_its_price_can_be_parsed(string price, bool allowed) =>
        Assert.Equal(allowed, PriceFilter.Allows(
            new("k", 3) { MinPrice = 10, MaxPrice = 60 },
            GlobalProduct.Read(JsonDocument.Parse($$"""{"title":"K","link":"https://a.example/k","price":"{{price}}"}""").RootElement)!));
}
