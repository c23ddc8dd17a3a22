using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>The emulated eBay: tokens, search, items and the category tree.</summary>
public sealed class EbayTests : EmulatorTests
{
    private const string AnySearch = "buy/browse/v1/item_summary/search?q=kettle";

    [Theory]
    [InlineData("bad:secret", "client_credentials", "https://api.ebay.com/oauth/api_scope", HttpStatusCode.Unauthorized, "invalid_client")]
    [InlineData("id", "client_credentials", "https://api.ebay.com/oauth/api_scope", HttpStatusCode.Unauthorized, "invalid_client")]
    [InlineData("id:secret", "password", "https://api.ebay.com/oauth/api_scope", HttpStatusCode.BadRequest, "unsupported_grant_type")]
    [InlineData("id:secret", "client_credentials", "everything", HttpStatusCode.BadRequest, "invalid_scope")]
    public async Task A_token_is_issued_only_to_a_valid_client_credentials_request(
        string credentials, string grant, string scope, HttpStatusCode status, string error)
    {
        using var refused = await Rest.TokenAsync(credentials, grant, scope);
        using var granted = await Rest.TokenAsync();
        var token = await RestClient.JsonAsync(granted);

        Assert.Equal((status, error), (refused.StatusCode, (await RestClient.JsonAsync(refused)).GetProperty("error").GetString()));
        Assert.Equal(
            (7200, "Application Access Token"), (token.GetProperty("expires_in").GetInt32(), token.GetProperty("token_type").GetString()));
    }

    [Fact]
    public async Task A_token_becomes_invalid_when_it_expires_is_used_up_or_is_revoked()
    {
        var clock = new FakeTimeProvider();
        await using var other = await UpstreamEmulatorHost.StartAsync(options => options.Clock = clock);
        using var otherClient = new RestClient(other);
        var (expired, revoked) = (await otherClient.NewTokenAsync(), "");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(expired));
        clock.Advance(TimeSpan.FromSeconds(7200));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(expired));

        other.DirectRest("[[emu at=ebay/token uses=1]]");
        var once = await otherClient.NewTokenAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(once));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(once));

        other.ClearRestDirections();
        revoked = await otherClient.NewTokenAsync();
        other.RevokeEbayTokens();
        using var response = await otherClient.EbayAsync(AnySearch, revoked);
        Assert.Equal(1001, (await RestClient.JsonAsync(response)).GetProperty("errors")[0].GetProperty("errorId").GetInt32());

        async Task<HttpStatusCode> StatusAsync(string token)
        {
            using var result = await otherClient.EbayAsync(AnySearch, token);
            return result.StatusCode;
        }
    }

    [Fact]
    public async Task A_search_applies_its_filters_and_is_deterministic()
    {
        var token = await Rest.NewTokenAsync();

        var found = await Rest.SearchAsync(
            token, "rice cookers",
            "buyingOptions:{FIXED_PRICE},price:[20..60],priceCurrency:USD,conditionIds:{1000},maxDeliveryCost:0,itemLocationCountry:US",
            "&limit=5");
        var again = await Rest.SearchAsync(
            token, "rice cookers",
            "buyingOptions:{FIXED_PRICE},price:[20..60],priceCurrency:USD,conditionIds:{1000},maxDeliveryCost:0,itemLocationCountry:US",
            "&limit=5");

        var items = found.GetProperty("itemSummaries").EnumerateArray().ToList();
        Assert.Equal(5, items.Count);
        Assert.True(found.GetProperty("total").GetInt32() > 5);
        Assert.All(items, item =>
        {
            Assert.Contains("Rice Cooker", item.GetProperty("title").GetString(), StringComparison.Ordinal);
            Assert.InRange(
                decimal.Parse(item.GetProperty("price").GetProperty("value").GetString()!, CultureInfo.InvariantCulture), 20, 60);
            Assert.Equal(
                ("1000", "US", "0.00"),
                (item.GetProperty("conditionId").GetString(), item.GetProperty("itemLocation").GetProperty("country").GetString(),
                    item.GetProperty("shippingOptions")[0].GetProperty("shippingCost").GetProperty("value").GetString()));
            Assert.Equal("www.ebay.com", new Uri(item.GetProperty("itemWebUrl").GetString()!).Host);
            Assert.Matches(@"^\d+\.\d$", item.GetProperty("seller").GetProperty("feedbackPercentage").GetString());
        });
        Assert.False(found.TryGetProperty("warnings", out _));
        Assert.Equal(found.GetRawText(), again.GetRawText());
    }

    [Theory]
    [InlineData("price:[..50],priceCurrency:USD", 0, 50)]
    [InlineData("price:[40],priceCurrency:USD", 40, 10_000)]
    [InlineData("price:[40..],priceCurrency:USD", 40, 10_000)]
    public async Task A_price_range_may_be_open_at_one_end(string filter, int minimum, int maximum)
    {
        var found = await Rest.SearchAsync(await Rest.NewTokenAsync(), "kettle", filter);

        Assert.All(
            found.GetProperty("itemSummaries").EnumerateArray(),
            item => Assert.InRange(
                decimal.Parse(item.GetProperty("price").GetProperty("value").GetString()!, CultureInfo.InvariantCulture), minimum,
                maximum));
    }

    [Theory]
    [InlineData("sellerFeedbackPercentage:[95..100]", 12031)]
    [InlineData("deliveryOptions:{EXPEDITED}", 12002)]
    [InlineData("price:[10..20]", 12012)]
    [InlineData("price:[],priceCurrency:USD", 12002)]
    [InlineData("conditionIds:{new}", 12002)]
    public async Task An_invalid_filter_is_ignored_with_a_warning(string filter, int warning)
    {
        var token = await Rest.NewTokenAsync();

        var found = await Rest.SearchAsync(token, "kettle", filter);
        var without = await Rest.SearchAsync(token, "kettle");

        Assert.Equal(warning, found.GetProperty("warnings")[0].GetProperty("errorId").GetInt32());
        Assert.Equal(without.GetProperty("total").GetInt32(), found.GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task Pages_are_consecutive_and_an_empty_result_has_no_list()
    {
        var token = await Rest.NewTokenAsync();
        var first = await Rest.SearchAsync(token, "kettle", "", "&limit=10&sort=price");
        var second = await Rest.SearchAsync(token, "kettle", "", "&limit=10&offset=10&sort=price");
        var nothing = await Rest.SearchAsync(token, "kettle", "price:[900000],priceCurrency:USD");

        var prices = first.GetProperty("itemSummaries").EnumerateArray().Concat(second.GetProperty("itemSummaries").EnumerateArray())
            .Select(item => decimal.Parse(item.GetProperty("price").GetProperty("value").GetString()!, CultureInfo.InvariantCulture))
            .ToList();
        Assert.Equal(20, prices.Count);
        Assert.Equal(prices.Order(), prices);
        Assert.Contains("offset=10", first.GetProperty("next").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, nothing.GetProperty("total").GetInt32());
        Assert.False(nothing.TryGetProperty("itemSummaries", out _));
    }

    [Theory]
    [InlineData("buy/browse/v1/item_summary/search?limit=5", "EBAY_US", HttpStatusCode.BadRequest)]
    [InlineData("buy/browse/v1/item_summary/search?q=a&limit=500", "EBAY_US", HttpStatusCode.BadRequest)]
    [InlineData("buy/browse/v1/item_summary/search?q=a&limit=10&offset=5", "EBAY_US", HttpStatusCode.BadRequest)]
    [InlineData("buy/browse/v1/item_summary/search?q=a", "EBAY_JM", HttpStatusCode.Conflict)]
    [InlineData("buy/browse/v1/item/12345", "EBAY_US", HttpStatusCode.BadRequest)]
    [InlineData("buy/browse/v1/item/v1%7C404%7C0", "EBAY_US", HttpStatusCode.NotFound)]
    [InlineData("commerce/taxonomy/v1/category_tree/77", "EBAY_US", HttpStatusCode.NotFound)]
    public async Task An_invalid_request_gets_an_error_status(string path, string marketplace, HttpStatusCode status)
    {
        using var response = await Rest.EbayAsync(path, await Rest.NewTokenAsync(), marketplace);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(
            JsonValueKind.String, (await RestClient.JsonAsync(response)).GetProperty("errors")[0].GetProperty("message").ValueKind);
    }

    [Fact]
    public async Task Item_details_match_the_search_result()
    {
        var token = await Rest.NewTokenAsync();
        var summary = (await Rest.SearchAsync(token, "rice cookers")).GetProperty("itemSummaries")[0];

        using var byId = await Rest.EbayAsync(
            $"buy/browse/v1/item/{Uri.EscapeDataString(summary.GetProperty("itemId").GetString()!)}?fieldgroups=PRODUCT", token);
        using var byLegacyId = await Rest.EbayAsync(
            $"buy/browse/v1/item/get_item_by_legacy_id?legacy_item_id={summary.GetProperty("legacyItemId").GetString()}", token);
        using var unlisted = await Rest.EbayAsync("buy/browse/v1/item/v1%7C110000000001%7C0", token);

        var item = await RestClient.JsonAsync(byId);
        Assert.Equal(
            (summary.GetProperty("title").GetString(), summary.GetProperty("price").GetRawText()),
            (item.GetProperty("title").GetString(), item.GetProperty("price").GetRawText()));
        Assert.Equal(item.GetRawText(), (await RestClient.JsonAsync(byLegacyId)).GetRawText());
        Assert.Equal(HttpStatusCode.OK, unlisted.StatusCode);
    }

    [Fact]
    public async Task The_category_tree_has_a_root_branches_and_leaves_and_its_edition_can_change()
    {
        var token = await Rest.NewTokenAsync();
        using var id = await Rest.EbayAsync("commerce/taxonomy/v1/get_default_category_tree_id?marketplace_id=EBAY_US", token);
        using var tree = await Rest.EbayAsync("commerce/taxonomy/v1/category_tree/0", token);
        using var suggested = await Rest.EbayAsync("commerce/taxonomy/v1/category_tree/0/get_category_suggestions?q=rice%20cooker", token);
        using var nothing = await Rest.EbayAsync("commerce/taxonomy/v1/category_tree/0/get_category_suggestions?q=xyzzy", token);
        Emulator.DirectRest("[[emu at=ebay/tree edition=2 leaves=3]]");
        using var second = await Rest.EbayAsync("commerce/taxonomy/v1/category_tree/0", token);

        Assert.Equal("0", (await RestClient.JsonAsync(id)).GetProperty("categoryTreeId").GetString());
        var root = (await RestClient.JsonAsync(tree)).GetProperty("rootCategoryNode");
        Assert.Equal(
            "Home & Garden", root.GetProperty("childCategoryTreeNodes")[0].GetProperty("category").GetProperty("categoryName").GetString());
        Assert.Equal(
            "Rice Cookers",
            (await RestClient.JsonAsync(suggested)).GetProperty("categorySuggestions")[0].GetProperty("category")
                .GetProperty("categoryName").GetString());
        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
        var other = (await RestClient.JsonAsync(second)).GetProperty("rootCategoryNode").GetProperty("childCategoryTreeNodes");
        Assert.Equal(3, other[other.GetArrayLength() - 1].GetProperty("childCategoryTreeNodes").GetArrayLength());
    }
}
