using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.ToolCache;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Shopping;

public sealed class ExploreTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Items_are_shown_as_the_shop_tells_them_and_no_rating_is_invented()
    {
        await using var shop = await Shop.OpenAsync(postgres);
        var guest = await shop.Api.GuestAsync();

        var page = await (await guest.GetAsync("/api/shopping/explore?q=kettle&limit=10")).JsonAsync();

        var items = page["items"]!.AsArray();
        Assert.NotEmpty(items);
        Assert.All(items, item =>
        {
            Assert.StartsWith("v1|", (string)item!["id"]!, StringComparison.Ordinal);
            Assert.StartsWith("USD ", (string)item["price"]!, StringComparison.Ordinal);
            Assert.StartsWith("https://www.ebay.com/itm/", (string)item["url"]!, StringComparison.Ordinal);
            Assert.NotEmpty((string)item["title"]!);
            Assert.Null(item["rating"]);
        });
    }

    [Fact]
    public async Task Pages_follow_each_other_without_repeats_and_end()
    {
        await using var shop = await Shop.OpenAsync(postgres);
        var guest = await shop.Api.GuestAsync();
        var (seen, cursor, pages) = (new List<string>(), (string?)null, 0);

        do
        {
            var page = await (await guest.GetAsync($"/api/shopping/explore?q=lamp&limit=8{(cursor is null ? "" : $"&cursor={cursor}")}")).JsonAsync();
            seen.AddRange(page["items"]!.AsArray().Select(item => (string)item!["id"]!));
            cursor = (string?)page["nextCursor"];
            pages++;
        }
        while (cursor is not null && pages < 50);

        Assert.True(pages is > 1 and < 50, $"{pages} pages");
        Assert.Equal(seen.Count, seen.Distinct().Count());
        await (await guest.GetAsync("/api/shopping/explore?q=lamp&limit=5&cursor=8")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task What_was_shown_is_kept_for_everybody()
    {
        await using var shop = await Shop.OpenAsync(postgres);
        var (ann, bob) = (await shop.Api.GuestAsync(), await shop.Api.GuestAsync());

        var first = await (await ann.GetAsync("/api/shopping/explore?q=Kettle%20")).JsonAsync();
        var second = await (await bob.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        Assert.True(JsonNode.DeepEquals(first, second));
        Assert.Equal(1, shop.Asked("item_summary/search"));
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
    public async Task A_category_decides_then_the_section_then_the_words(string asked, string? query, string? category, string? sort)
    {
        await using var shop = await Shop.OpenAsync(postgres);
        await shop.Api.ExecuteAsync(CategoryTests.Tree);

        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore{asked}")).JsonAsync();

        var question = Assert.Single(shop.Ebay.Requests, request => request.Path.Contains("item_summary/search", StringComparison.Ordinal)).Query;
        Assert.Equal((query, category, sort), (question.GetValueOrDefault("q"), question.GetValueOrDefault("category_ids"), question.GetValueOrDefault("sort")));
        Assert.Equal(("60", "0", "buyingOptions:{FIXED_PRICE}"), (question["limit"], question["offset"], question["filter"]));
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
    public async Task Malformed_questions_are_refused_and_never_asked(string query)
    {
        await using var shop = await Shop.OpenAsync(postgres);
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore?{query}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        await (await (await shop.Api.GuestAsync()).GetAsync($"/api/shopping/explore?q={new string('a', 101)}")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        Assert.Empty(shop.Ebay.Requests);
    }

    [Fact]
    public async Task Nobody_in_particular_sees_nothing_and_a_hurried_one_has_to_wait()
    {
        await using var shop = await Shop.OpenAsync(postgres, new() { ["RATE_LIMIT_SHOPPING_MAX"] = "2" });
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
    public async Task A_shop_that_fails_is_unavailable_and_left_alone_once_its_circuit_is_open()
    {
        await using var shop = await Shop.OpenAsync(postgres);
        shop.Ebay.DirectRest("[[emu at=ebay/search status=501]]");
        var guest = await shop.Api.GuestAsync();

        for (var i = 0; i < 6; i++)
        {
            using var refused = await guest.GetAsync($"/api/shopping/explore?q=kettle{i}");
            await refused.RefusedAsync(HttpStatusCode.ServiceUnavailable, "upstream_unavailable");
            Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        }

        Assert.Equal(4, shop.Asked("item_summary/search"));
    }

    [Fact]
    public async Task What_was_shown_before_stands_in_for_a_shop_that_fails()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var shop = await Shop.OpenAsync(postgres, services: services => services.AddSingleton(provider => CacheAt(time, provider)));
        var guest = await shop.Api.GuestAsync();
        var before = await (await guest.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        time.Advance(TimeSpan.FromMinutes(11));
        shop.Ebay.DirectRest("[[emu at=ebay/search status=501]]");
        var after = await (await guest.GetAsync("/api/shopping/explore?q=kettle")).JsonAsync();

        Assert.True(JsonNode.DeepEquals(before, after));
        Assert.Equal(2, shop.Asked("item_summary/search"));
    }

    /// <summary>The cache by a clock of its own; all else keeps the real one.</summary>
    private static ToolCache CacheAt(TimeProvider time, IServiceProvider provider) => new ServiceCollection()
        .AddLogging()
        .AddSingleton(provider.GetRequiredService<IConfiguration>())
        .AddSingleton(provider.GetRequiredService<IConnectionMultiplexer>())
        .AddSingleton(time)
        .AddToolCache()
        .BuildServiceProvider()
        .GetRequiredService<ToolCache>();

    [Fact]
    public async Task Without_a_key_it_says_so()
    {
        await using var shop = await Shop.OpenAsync(postgres, new() { ["EBAY_CLIENT_ID"] = "" });
        await (await (await shop.Api.GuestAsync()).GetAsync("/api/shopping/explore")).RefusedAsync(HttpStatusCode.InternalServerError, "misconfigured");
    }
}
