using System.Net;
using System.Text.Json;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>The emulated Serper and SerpAPI.</summary>
public sealed class SearchUpstreamTests : EmulatorTests
{
    [Fact]
    public async Task Serper_returns_the_requested_number_of_pages_deterministically()
    {
        using var first = await Rest.SerperAsync("best rice cookers", num: 5);
        using var second = await Rest.SerperAsync("best rice cookers", num: 5);
        var found = await RestClient.JsonAsync(first);

        var pages = found.GetProperty("organic").EnumerateArray().ToList();
        Assert.Equal(5, pages.Count);
        Assert.All(
            pages, page => Assert.EndsWith(".example", new Uri(page.GetProperty("link").GetString()!).Host, StringComparison.Ordinal));
        Assert.Equal([1, 2, 3, 4, 5], pages.Select(page => page.GetProperty("position").GetInt32()));
        Assert.Contains(pages, page => page.GetProperty("title").GetString()!.Contains("Rice Cooker", StringComparison.Ordinal));
        Assert.Equal(found.GetRawText(), (await RestClient.JsonAsync(second)).GetRawText());
    }

    [Fact]
    public async Task Serper_shopping_has_text_prices_and_downloadable_images()
    {
        using var response = await Rest.SerperAsync("rice cookers", "shopping", num: 12);
        var rows = (await RestClient.JsonAsync(response)).GetProperty("shopping").EnumerateArray().ToList();
        using var picture = await Rest.Http.GetAsync(rows[0].GetProperty("imageUrl").GetString());

        Assert.Equal(12, rows.Count);
        Assert.All(rows, row => Assert.Matches(@"^\$\d+\.\d\d$", row.GetProperty("price").GetString()));
        Assert.Contains(rows, row => new Uri(row.GetProperty("link").GetString()!).Host == "www.google.com");
        Assert.Contains(rows, row => new Uri(row.GetProperty("link").GetString()!).Host.EndsWith(".example", StringComparison.Ordinal));
        Assert.Equal("image/svg+xml", picture.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("bad")]
    [InlineData("two words")]
    public async Task Serper_rejects_an_invalid_key(string? key)
    {
        using var response = await Rest.SerperAsync("kettle", key: key);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("""{"message":"Unauthorized.","statusCode":403}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"q":" "}""")]
    public async Task Serper_rejects_an_invalid_request_body(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "serper/search")
        {
            Headers = { { "X-API-KEY", "k" } }, Content = new StringContent(body),
        };
        using var response = await Rest.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task SerpApi_has_numeric_prices_and_reports_an_empty_result_as_an_error_field_with_status_200()
    {
        using var found = await Rest.SerpApiAsync("rice cookers");
        using var empty = await Rest.SerpApiAsync("rice cookers [[emu results=0]]");
        var row = (await RestClient.JsonAsync(found)).GetProperty("shopping_results")[0];
        var nothing = await RestClient.JsonAsync(empty);

        Assert.Equal(
            row.GetProperty("price").GetString(),
            "$" + row.GetProperty("extracted_price").GetDouble().ToString("0.00", System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(HttpStatusCode.OK, empty.StatusCode);
        Assert.Equal("Success", nothing.GetProperty("search_metadata").GetProperty("status").GetString());
        Assert.Contains("returned any results", nothing.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.False(nothing.TryGetProperty("shopping_results", out _));
    }

    [Theory]
    [InlineData("kettle", "bad", "google_shopping", HttpStatusCode.Unauthorized)]
    [InlineData("", "key", "google_shopping", HttpStatusCode.BadRequest)]
    [InlineData("kettle", "key", "ebay", HttpStatusCode.BadRequest)]
    public async Task SerpApi_rejects_invalid_keys_missing_queries_and_other_engines(
        string query, string key, string engine, HttpStatusCode status)
    {
        using var response = await Rest.SerpApiAsync(query, key, engine);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(JsonValueKind.String, (await RestClient.JsonAsync(response)).GetProperty("error").ValueKind);
    }

    [Fact]
    public async Task Every_route_is_counted_separately_and_requests_are_recorded_without_their_keys()
    {
        using var web = await Rest.SerperAsync("kettle");
        using var refused = await Rest.SerperAsync("kettle", key: "bad");
        using var shopping = await Rest.SerpApiAsync("pan");
        await Rest.NewTokenAsync();

        var stats = await Emulator.Stats.WaitForAsync(s => s.Totals is { Active: 0, Started: 4 });
        Assert.Equal(
            (2, 1, 1),
            (stats.Of("serper", "search").Started, stats.Of("serper", "search").Completed, stats.Of("serper", "search").Refused));
        Assert.Equal((1, 1, 0), (stats.Of("serpapi").Completed, stats.Of("ebay", "token").Completed, stats.Of("ebay", "search").Started));
        var json = JsonDocument.Parse(await Rest.Http.GetStringAsync("stats")).RootElement;
        Assert.Equal(1, json.GetProperty("upstreams").GetProperty("ebay").GetProperty("token").GetProperty("started").GetInt32());
        using var waited = await Rest.Http.GetAsync("stats/wait?upstream=ebay&route=token&completed=1");
        Assert.Equal(HttpStatusCode.OK, waited.StatusCode);
        Assert.Equal("pan", Emulator.Requests[2].Query["q"]);
        Assert.DoesNotContain("api_key", Emulator.Requests[2].Query.Keys);
        Assert.All(Emulator.Requests, request => Assert.DoesNotContain("X-API-KEY", request.Headers.Keys));
    }
}
