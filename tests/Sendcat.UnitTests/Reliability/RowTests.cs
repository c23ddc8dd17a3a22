using System.Text.Json;
using Sendcat.ApiService.Shopping.Explore;
using Sendcat.ApiService.Shopping.Items;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.SearchGlobal;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Validation of untrusted text from sellers and web pages before it reaches a user or a model.</summary>
public sealed class RowTests
{
    private static readonly string Long = new('x', 200_000);

    [Theory]
    [InlineData("https://shop.example/a?b=c#d", true)]
    [InlineData("HTTP://shop.example", true)]
    [InlineData("https://xn--bcher-kva.example/%20", true)]
    [InlineData("javascript:alert(1)", false)]
    [InlineData("JavaScript:alert(1)//https://shop.example", false)]
    [InlineData("java\nscript:alert(1)", false)]
    [InlineData(" https://shop.example", false)]
    [InlineData("https://shop.example/a b", false)]
    [InlineData("https://shop.example/\u0000", false)]
    [InlineData("https://shop.example/\u00A0", false)]
    [InlineData("data:text/html,<script>", false)]
    [InlineData("vbscript:x", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("ftp://shop.example/a", false)]
    [InlineData("//shop.example/a", false)]
    [InlineData("/a", false)]
    [InlineData("https://", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_absolute_http_and_https_URLs_are_accepted(string? text, bool valid) =>
        Assert.Equal(valid ? text : null, WebAddress.Of(text));

    [Fact]
    public void A_URL_that_is_too_long_is_rejected() => Assert.Null(WebAddress.Of("https://shop.example/" + Long));

    [Fact]
    public void The_first_field_with_a_valid_URL_is_used()
    {
        var row = Json("""{"link":"javascript:alert(1)","product_link":"https://shop.example/1"}""");

        Assert.Equal("https://shop.example/1", row.Address("link", "product_link"));
    }

    [Fact]
    public void A_text_is_never_cut_inside_a_surrogate_pair()
    {
        Assert.Equal("ab", Row.Cut("ab\ud83d\ude00", 3));
        Assert.Equal("ab\ud83d\ude00", Row.Cut("ab\ud83d\ude00", 4));
    }

    [Fact]
    public void A_global_search_product_has_bounded_fields_and_only_web_URLs()
    {
        var product = GlobalProduct.Read(Json(
            $$"""{"title":"{{Long}}","source":"{{Long}}","link":"https://shop.example/1","merchantLink":"javascript:alert(1)","price":"{{Long}}","imageUrl":"data:image/svg+xml,<svg onload=alert(1)>","productId":"{{Long}}","condition":"{{Long}}"}"""));

        Assert.NotNull(product);
        Assert.InRange(JsonSerializer.Serialize(product, ToolJson.Default.Options.GetTypeInfo(typeof(Product))).Length, 1, 2_000);
        Assert.Equal(("", "global:https://shop.example/1"), (product.Image, product.Id));
        Assert.DoesNotContain("javascript", product.ProductUrl, StringComparison.OrdinalIgnoreCase);
        Assert.Null(GlobalProduct.Read(Json("""{"title":"Trap","link":"javascript:alert(1)"}""")));
    }

    [Fact]
    public void Item_details_and_explore_items_have_bounded_fields_and_only_web_URLs()
    {
        var item = $$$"""{"itemId":"v1|1|0","title":"{{{Long}}}","price":{"value":"{{{Long}}}","currency":"{{{Long}}}"},"image":{"imageUrl":"javascript:alert(1)"},"additionalImages":[{"imageUrl":"https://i/2.jpg"},{"imageUrl":"data:,x"}],"itemWebUrl":"https://ebay.com/itm/1","brand":"{{{Long}}}","condition":"{{{Long}}}","subtitle":"{{{Long}}}","categoryPath":"{{{Long}}}","seller":{"username":"{{{Long}}}","feedbackPercentage":"{{{Long}}}"},"itemLocation":{"city":"{{{Long}}}"},"localizedAspects":[{"name":"{{{Long}}}","value":"{{{Long}}}"}],"shippingOptions":[{"shippingServiceCode":"{{{Long}}}","shippingCost":{"value":"{{{Long}}}"}}]}""";

        var details = ItemDetails.Read(Json(item))!;
        Assert.Equal(["https://i/2.jpg"], details.Images);
        Assert.InRange(JsonSerializer.Serialize(details).Length, 1, 6_000);
        var shown = ExploreItem.Read(Json(item))!;
        Assert.Equal("", shown.Image);
        Assert.InRange(JsonSerializer.Serialize(shown).Length, 1, 2_000);
        var trap = item.Replace("https://ebay.com/itm/1", "javascript:alert(1)", StringComparison.Ordinal);
        Assert.Null(ItemDetails.Read(Json(trap)));
        Assert.Null(ExploreItem.Read(Json(trap)));
    }

    [Fact]
    public void Persisted_results_of_an_earlier_build_are_checked_when_they_are_read()
    {
        var hits = ResultRows.Fit(
            [new SearchWebHit("Trap", "javascript:alert(1)", "x"), new SearchWebHit(Long, "https://a.example/", Long)]);
        var products = ResultRows.Fit([
            new Product("1", "Trap", "USD 1", "", "javascript:alert(1)"),
            new Product("2", Long, Long, "javascript:alert(1)", "https://a.example/")
            {
                ProductUrl = "data:,x", MerchantName = Long, SellerName = Long, Condition = Long,
            },
            new Product(Long, "Long", "USD 1", "", "https://a.example/"),
        ]);

        Assert.Equal((300, 1_000), (Assert.Single(hits).Title.Length, hits[0].Snippet!.Length));
        var product = Assert.Single(products);
        Assert.Equal(("", null), (product.Image, product.ProductUrl));
        string[] texts = [product.Title, product.Price, product.MerchantName!, product.SellerName!, product.Condition!];
        Assert.InRange(texts.Sum(text => text.Length), 1, 1_000);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement.Clone();
}
