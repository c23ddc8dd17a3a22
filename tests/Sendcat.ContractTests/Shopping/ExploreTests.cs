using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.ToolCache;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Shopping;

/// <summary>The endpoint <c>/api/shopping/explore</c> with its cache and circuit breaker.</summary>
public sealed class ExploreTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Items_have_the_values_of_the_shop_and_no_invented_rating()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var guest = await shop.Api.GuestAsync();

        var page = await (await guest.GetAsync("/api/shopping/explore?q=kettle&limit=10")).JsonAsync();

        var items = page["items"]!.AsArray();
        Assert.NotEmpty(items);
        Assert.All(items, item =>
        {
            Assert.StartsWith("v1|", (string)item!["id"]!, StringComparison.Ordinal);
            Assert.Equal((string)item["price"]!, $"USD {(decimal)item["priceAmount"]!:0.00}");
            Assert.Equal("USD", (string)item["priceCurrency"]!);
            Assert.StartsWith("https://www.ebay.com/itm/", (string)item["url"]!, StringComparison.Ordinal);
            Assert.NotEmpty((string)item["title"]!);
            Assert.Null(item["rating"]);
        });
    }

    [Fact]
    public async Task Pages_contain_no_repeats_and_end()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var guest = await shop.Api.GuestAsync();
        var (seen, cursor, pages) = (new List<string>(), (string?)null, 0);

        do
        {
            var page = await (await guest.GetAsync($"/api/shopping/explore?q=lamp&limit=8{(cursor is null ? "" : $"&cursor={cursor}")}"))
                .JsonAsync();
            seen.AddRange(page["items"]!.AsArray().Select(item => (string)item!["id"]!));
            cursor = (string?)page["nextCursor"];
            pages++;
        }
        while (cursor is not null && pages < 50);

        Assert.True(pages is > 1 and < 50, $"{pages} pages");
        Assert.Equal(seen.Count, seen.Distinct().Count());
        await (await guest.GetAsync("/api/shopping/explore?q=lamp&limit=5&cursor=8"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Results_are_cached_and_shared_between_principals()
    {
        await using var shop = await Shop.StartAsync(postgres);
        var (ann, bob) = (await shop.Api.GuestAsync(), await shop.Api.GuestAsync());

        var first = await (await ann.GetAsync("/api/shopping/explore?q=Kettle%20")).JsonAsync();
        var second = await (await bob.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        Assert.True(JsonNode.DeepEquals(first, second));
        Assert.Equal(1, shop.RequestCount("item_summary/search"));
    }

    [Theory]
    [InlineData("", "best sellers", null, null)]
    [InlineData("?section=trending&q=ignored", "best sellers", null, null)]
    [InlineData("?section=new", "new arrivals", null, "newlyListed")]
    [InlineData("?q=red%20shoes", "red shoes", null, null)]
    [InlineData("?categoryName=Kettles&q=ignored", "Kettles", null, null)]
    [InlineData("?categoryId=10&section=new&q=ignored", "Home & Garden", "10", "newlyListed")]
    [InlineData("?categoryId=10&subCategoryId=11", "Kettles", "11", null)]
    [InlineData("?categoryId=999", null, "999", null)]
    public async Task The_category_takes_precedence_over_the_section_and_the_section_over_the_query(
        string request, string? query, string? category, string? sort)
    {
        await using var shop = await Shop.StartAsync(postgres);
        await shop.Api.ExecuteAsync(CategoryTests.Tree);

        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore{request}")).JsonAsync();

        var sent = Assert.Single(
            shop.Ebay.Requests, upstream => upstream.Path.Contains("item_summary/search", StringComparison.Ordinal)).Query;
        Assert.Equal(
            (query, category, sort), (sent.GetValueOrDefault("q"), sent.GetValueOrDefault("category_ids"), sent.GetValueOrDefault("sort")));
        Assert.Equal(("60", "0", "buyingOptions:{FIXED_PRICE}"), (sent["limit"], sent["offset"], sent["filter"]));
    }

    [Theory]
    [InlineData("section=old")]
    [InlineData("categoryId=ten")]
    [InlineData("subCategoryId=1%002")]
    [InlineData("categoryId=12345678901234")]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("limit=ten")]
    [InlineData("cursor=-60")]
    [InlineData("cursor=61")]
    [InlineData("cursor=9999999999999")]
    [InlineData("cursor=x")]
    [InlineData("q=%00")]
    public async Task Malformed_queries_are_rejected_without_a_request_to_eBay(string query)
    {
        await using var shop = await Shop.StartAsync(postgres);
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore?{query}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore?q={new string('a', 101)}"))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Empty(shop.Ebay.Requests);
    }

    [Fact]
    public async Task A_request_without_identity_is_401_and_a_request_beyond_the_limit_is_429()
    {
        await using var shop = await Shop.StartAsync(postgres, new() { ["RATE_LIMIT_SHOPPING_MAX"] = "2" });
        await (await shop.Api.Anyone.GetAsync("/api/shopping/explore")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");

        var guest = await shop.Api.GuestAsync();
        await (await guest.GetAsync("/api/shopping/explore")).JsonAsync();
        await (await guest.GetAsync("/api/shopping/categories")).JsonAsync();
        using var third = await guest.GetAsync("/api/shopping/explore");
        await third.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");

        Assert.True(third.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        await (await (await shop.Api.GuestAsync()).GetAsync("/api/shopping/explore")).JsonAsync();
    }

    [Fact]
    public async Task A_shop_failure_is_503_and_the_open_circuit_stops_further_requests()
    {
        await using var shop = await Shop.StartAsync(postgres);
        shop.Ebay.DirectRest("[[emu at=ebay/search status=501]]");
        var guest = await shop.Api.GuestAsync();

        for (var i = 0; i < 6; i++)
        {
            using var refused = await guest.GetAsync($"/api/shopping/explore?q=kettle{i}");
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        }

        Assert.Equal(4, shop.RequestCount("item_summary/search"));
    }

    [Fact]
    public async Task A_stale_cached_result_is_returned_when_the_shop_fails()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var shop = await Shop.StartAsync(
            postgres, services: services => services.AddSingleton(provider => CacheAt(time, provider)));
        var guest = await shop.Api.GuestAsync();
        var before = await (await guest.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        time.Advance(TimeSpan.FromMinutes(11));
        shop.Ebay.DirectRest("[[emu at=ebay/search status=501]]");
        var after = await (await guest.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        Assert.True(JsonNode.DeepEquals(before, after));
        Assert.Equal(2, shop.RequestCount("item_summary/search"));
    }

    /// <summary>A tool cache that uses <paramref name="time"/>. All other services keep the system clock.</summary>
    private static ToolCache CacheAt(TimeProvider time, IServiceProvider provider) => new ServiceCollection()
        .AddLogging()
        .AddSingleton(provider.GetRequiredService<IConfiguration>())
        .AddSingleton(provider.GetRequiredService<IConnectionMultiplexer>())
        .AddSingleton(time)
        .AddToolCache()
        .BuildServiceProvider()
        .GetRequiredService<ToolCache>();

    [Fact]
    public async Task A_missing_shop_key_is_a_misconfiguration_error()
    {
        await using var shop = await Shop.StartAsync(postgres, new() { ["EBAY_CLIENT_ID"] = "" });
        await (await (await shop.Api.GuestAsync()).GetAsync("/api/shopping/explore"))
            .RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
    }
}
