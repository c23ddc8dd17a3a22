using System.Globalization;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Integrations.Tools;

namespace Sendcat.UnitTests.Tools;

public sealed class ProductSearchTests
{
    [Fact]
    public void Missing_arguments_have_their_defaults() =>
        Assert.Equal(
            new SearchProductsArguments("rice cooker", 36, 95, IncludeGlobal: true, GlobalLimit: 12),
            ProductSearch.Read("""{"query":"  rice \n cooker "}"""));

    [Fact]
    public void Valid_arguments_are_read() =>
        Assert.Equal(
            new SearchProductsArguments("kettle", 10, 98, GlobalLimit: 10)
            {
                CategoryId = "20667", CategoryName = "Small Kitchen Appliances", MinPrice = 10, MaxPrice = 60.5m, Condition = "open_box",
                Shipping = "free", Location = "US",
            },
            ProductSearch.Read(
                """
                {"query":"kettle","limit":10,"categoryId":"20667","categoryName":"Small Kitchen Appliances","minPrice":10,"maxPrice":60.50,
                 "condition":"Open-Box","shipping":"free","sellerRating":"98","location":" US "}
                """));

    [Theory]
    [InlineData("""{"query":"x","minPrice":60,"maxPrice":20}""", "20", "60")]
    [InlineData("""{"query":"x","maxPrice":"$1,200.50"}""", null, "1200.5")]
    [InlineData("""{"query":"x","max_price":"under 60 dollars"}""", null, "60")]
    [InlineData("""{"query":"x","maxPrice":"USD 1.200,50"}""", null, "1200.5")]
    [InlineData("""{"query":"x","maxPrice":"1,200"}""", null, "1200")]
    [InlineData("""{"query":"x","maxPrice":["59.99"]}""", null, "59.99")]
    [InlineData("""{"query":"x","minPrice":0,"maxPrice":-5}""", null, null)]
    [InlineData("""{"query":"x","minPrice":"cheap","maxPrice":{"value":5}}""", null, null)]
    [InlineData("""{"query":"x","maxPrice":1e400}""", null, "10000000")]
    [InlineData("""{"query":"x","maxPrice":19.999}""", null, "20")]
    [InlineData("""{"query":"x","minPrice":null,"maxPrice":true}""", null, null)]
    public void Prices_are_parsed_leniently_and_ordered(string arguments, string? minPrice, string? maxPrice)
    {
        var read = ProductSearch.Read(arguments)!;

        Assert.Equal(
            (minPrice, maxPrice),
            (read.MinPrice?.ToString(CultureInfo.InvariantCulture), read.MaxPrice?.ToString(CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("0", 1)]
    [InlineData("-3", 1)]
    [InlineData("4.5", 5)]
    [InlineData("\"7\"", 7)]
    [InlineData("1000", 36)]
    [InlineData("1e300", 36)]
    [InlineData("\"many\"", 36)]
    [InlineData("null", 36)]
    public void A_limit_is_rounded_and_clamped_to_its_range(string limit, int expected) =>
        Assert.Equal(
            (expected, Math.Min(expected, 12)),
            ProductSearch.Read($$"""{"query":"x","limit":{{limit}}}""") is var read ? (read!.Limit, read.GlobalLimit) : default);

    [Theory]
    [InlineData("50", 95)]
    [InlineData("99.6", 100)]
    [InlineData("\"97%\"", 97)]
    [InlineData("[]", 95)]
    public void A_seller_rating_is_rounded_and_clamped_to_its_range(string rating, int expected) =>
        Assert.Equal(expected, ProductSearch.Read($$"""{"query":"x","sellerRating":{{rating}}}""")!.SellerRating);

    [Fact]
    public void Unknown_values_are_dropped()
    {
        var read = ProductSearch.Read(
            """{"query":"x","condition":"mint","shipping":"by boat","categoryId":"12; drop table","location":"  ","categoryName":7}""")!;

        Assert.Equal((null, null, null, null, "7"), (read.Condition, read.Shipping, read.CategoryId, read.Location, read.CategoryName));
    }

    [Theory]
    [InlineData("""{"query":["rice","cooker"]}""", "rice cooker")]
    [InlineData("""{"Query":4070}""", "4070")]
    [InlineData("""{"query":"a\u0000b\u001bc"}""", "a b c")]
    [InlineData("""{"query":"half \ud83d"}""", null)]
    [InlineData("""{"\ud83d":1,"query":"kettle","\udc00":2}""", "kettle")]
    [InlineData("""{"query":"   "}""", null)]
    [InlineData("""{"query":{"text":"x"}}""", null)]
    [InlineData("""{"limit":3}""", null)]
    public void A_query_is_read_as_text_or_the_arguments_are_refused(string arguments, string? query) =>
        Assert.Equal(query, ProductSearch.Read(arguments)?.Query);

    [Fact]
    public void A_long_query_is_cut_without_splitting_a_surrogate_pair() =>
        Assert.Equal(new string('x', 255), ProductSearch.Read($$"""{"query":"{{new string('x', 255)}}🥭 and more"}""")!.Query);
}
