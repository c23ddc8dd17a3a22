using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Chat;

/// <summary>What a reader is told of tools, in both dialects. The golden files lie beside this one.</summary>
public sealed class ToolEventsTests(PostgresFixture postgres)
{
    private const string AsksTheWeb = """[[emu call=1 tool=search_web id=call_1 args={"query":"Kettle Reviews"} tool-split=1]] [[emu call=2 text="Done." chunks=1]]""";
    private const string AsksForProducts = """[[emu call=1 tool=search_products id=call_1 args={"query":"kettle","maxPrice":"$60"} tool-split=1]] [[emu call=2 text="Done." chunks=1]]""";

    private static readonly Product Red = new("v1|1|0", "Red kettle – 1.7 ℓ", "USD 20.00", "https://i.example/1.jpg", "https://www.ebay.example/itm/1")
    {
        Source = "ebay", MerchantName = "eBay", MerchantDomain = "ebay.com", ProductUrl = "https://www.ebay.example/itm/1", SellerName = "kettle_house", SellerFeedback = "99.1%", Condition = "New",
    };

    private static readonly Product Blue = new("g-2", "Blue kettle", "$25.00", "https://i.example/2.jpg", "https://shop.example/2") { Source = "global", MerchantName = "Shop", Rating = 4.5, Reviews = 12 };

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task Products_are_told_as_the_golden_file_says(string dialect)
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.AskingAsync(AsksForProducts);

        var telling = chat.ChatAsync(thread, dialect);
        var job = await chat.ClaimAsync(ToolLane.SearchProducts);
        await chat.Claims.CompleteAsync(job.Lease, JsonSerializer.Serialize(new ProductsResult("search_products", [Red, Blue], 1, 1, []), ToolJson.Default.ProductsResult));

        Assert.Equal(Golden($"products.{dialect}.sse"), await telling);
        Assert.Equal("""{"query":"kettle","limit":36,"sellerRating":95,"includeGlobal":true,"globalLimit":12,"maxPrice":60}""", job.Arguments);
        Assert.Equal(
            ("search_products_v1", "q=kettle&limit=36&categoryid=&categoryname=&minprice=&maxprice=60&condition=&shipping=&sellerrating=95&location=&marketplaceid=ebay_us"),
            (job.Cache!.Namespace, job.Cache.Key));

        var kept = await chat.MessagesAsync(thread);
        Assert.Equal(["Red kettle – 1.7 ℓ", "Blue kettle"], kept[1]["products"]!.AsArray().Select(product => (string)product!["title"]!));
        Assert.Equal(("tool", "call_1", "search_products", "completed"), ((string)kept[2]["role"]!, (string)kept[2]["toolCallId"]!, (string)kept[2]["name"]!, (string)kept[2]["status"]!));
        Assert.StartsWith("1 eBay items and 1 global items", (string)kept[2]["content"]!, StringComparison.Ordinal);
        Assert.EndsWith("[Products shown to the user]\n1. Red kettle – 1.7 ℓ | USD 20.00 | New\n2. Blue kettle | $25.00", chat.Told()[^1].Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task Finds_of_the_web_are_told_as_the_golden_file_says(string dialect)
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.AskingAsync(AsksTheWeb);

        var telling = chat.ChatAsync(thread, dialect);
        var job = await chat.ClaimAsync(ToolLane.SearchWeb);
        await chat.Claims.CompleteAsync(job.Lease, Web("Kettles – tested"));

        Assert.Equal(Golden($"web.{dialect}.sse"), await telling);
        Assert.Equal(("""{"query":"Kettle Reviews"}""", "search_web_v1", "kettle reviews"), (job.Arguments, job.Cache!.Namespace, job.Cache.Key));
        Assert.Equal(("tool", """[{"title":"Kettles – tested","link":"https://a.example/","snippet":"All of them."}]"""), chat.Told()[^1]);
    }

    [Theory]
    [InlineData("queue_saturated", 1000)]
    [InlineData("queue_timeout", 1000)]
    [InlineData("dead_letter", 1500)]
    public async Task A_queue_that_cannot_help_says_why_and_when_to_ask_again(string reason, int retryAfterMs)
    {
        foreach (var dialect in new[] { "sendcat", "ui" })
        {
            await using var chat = await ToolChat.StartAsync(postgres, ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_WAIT_MS", reason == "queue_timeout" ? "1000" : "30000"), ("TOOL_JOB_MAX_ATTEMPTS", "1"));
            var thread = await chat.AskingAsync(AsksTheWeb);
            if (reason == "queue_saturated")
            {
                await chat.Api.Services.GetRequiredService<ToolJobLedger>().EnterAsync(Guid.CreateVersion7(), new(ToolLane.SearchWeb, "{}", "user:other"), default);
            }

            var telling = chat.ChatAsync(thread, dialect);
            if (reason == "dead_letter")
            {
                await chat.Claims.FailAsync((await chat.ClaimAsync(ToolLane.SearchWeb)).Lease, "serper_search: HTTP 503", retryable: true);
            }

            var told = await telling;
            Assert.Contains(
                dialect == "sendcat"
                    ? $$"""data: {"type":"tool-backpressure","toolName":"search_web","reason":"{{reason}}","retryable":true,"retryAfterMs":{{retryAfterMs}}}"""
                    : $$$"""data: {"type":"data-tool-backpressure","transient":true,"data":{"toolCallId":"call_1","toolName":"search_web","reason":"{{{reason}}}","retryable":true,"retryAfterMs":{{{retryAfterMs}}}}}""",
                told.Split("\n\n"));
            Assert.Equal(dialect == "ui", told.Contains("\"type\":\"tool-output-error\",\"toolCallId\":\"call_1\",\"errorText\":", StringComparison.Ordinal));
            Assert.DoesNotContain("tool-output-partially-available", told, StringComparison.Ordinal);
            Assert.Contains("Done.", told, StringComparison.Ordinal);
            Assert.Contains(reason == "dead_letter" ? "failed: serper_search: HTTP 503" : "overloaded", chat.Told()[^1].Content, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_failure_that_is_not_the_queues_is_text_for_the_model_alone()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var telling = chat.ChatAsync(await chat.AskingAsync(AsksTheWeb), "sendcat");
        await chat.Claims.FailAsync((await chat.ClaimAsync(ToolLane.SearchWeb)).Lease, "SERPER_API_KEY is not set.", retryable: false);

        Assert.DoesNotContain("tool-backpressure", await telling, StringComparison.Ordinal);
        Assert.StartsWith("The web search failed: SERPER_API_KEY is not set.", chat.Told()[^1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_found_earlier_stands_in_for_a_queue_that_cannot_help()
    {
        await using var chat = await ToolChat.StartAsync(postgres, ("TOOL_JOB_WAIT_MS", "1000"));
        var (space, key) = chat.Api.Services.GetRequiredService<ToolCacheSlots>().SearchWeb("Kettle Reviews");
        await chat.Api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().StringSetAsync(RedisKeys.ToolCacheEntry(space.Name, key), "1:" + Web("Old news"));

        var told = await chat.ChatAsync(await chat.AskingAsync(AsksTheWeb), "sendcat");

        Assert.Contains("\"reason\":\"queue_timeout\"", told, StringComparison.Ordinal);
        Assert.Contains("""data: {"type":"tool-output-partially-available","toolCallId":"call_1","output":[{"title":"Old news",""", told, StringComparison.Ordinal);
        Assert.Contains("may be out of date", chat.Told()[^1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_of_one_step_run_at_once_and_the_model_reads_their_answers_in_the_order_of_its_calls()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.AskingAsync(
            """[[emu call=1 tool=search_web id=call_1 args={"query":"kettle"} tool=search_products id=call_2 args={"query":"kettle"} tool=search_products id=call_3 args={"query":"pan"}]] [[emu call=2 text="Done."]]""");

        var telling = chat.ChatAsync(thread, "sendcat");
        LeasedJob[] products = [await chat.ClaimAsync(ToolLane.SearchProducts), await chat.ClaimAsync(ToolLane.SearchProducts)];
        var web = await chat.ClaimAsync(ToolLane.SearchWeb);
        foreach (var job in products.OrderBy(job => job.Arguments.Contains("kettle", StringComparison.Ordinal)))
        {
            var found = job.Arguments.Contains("kettle", StringComparison.Ordinal) ? Red : Blue;
            await chat.Claims.CompleteAsync(job.Lease, JsonSerializer.Serialize(new ProductsResult("search_products", [found], 1, 0, []), ToolJson.Default.ProductsResult));
        }

        await chat.Claims.CompleteAsync(web.Lease, Web("Kettles"));
        await telling;

        Assert.Equal(["[{\"title\":\"Kettles\"", "1 eBay items and 0 ", "1 eBay items and 0 "], chat.Told().Where(told => told.Role == "tool").Select(told => told.Content[..19]));
        Assert.Equal(["call_1", "call_2", "call_3"], chat.Model.Requests[^1].Body.GetProperty("messages").EnumerateArray().Where(one => one.GetProperty("role").GetString() == "tool").Select(one => one.GetProperty("tool_call_id").GetString()));
        var kept = await chat.MessagesAsync(thread);
        Assert.Equal(["call_1", "call_2", "call_3"], kept.Where(message => (string)message["role"]! == "tool").Select(message => (string)message["toolCallId"]!));
        Assert.Equal([Red.Title, Blue.Title], kept[1]["products"]!.AsArray().Select(product => (string)product!["title"]!));
    }

    [Fact]
    public async Task A_product_search_counts_as_a_search_of_other_shops_and_does_without_when_there_are_none_left()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var telling = chat.ChatAsync(
            await chat.AskingAsync("""[[emu call=1 tool=search_global args={"query":"a"} tool=search_global args={"query":"b"}]] [[emu call=2 tool=search_products args={"query":"c"} tool-rounds=2]] [[emu call=3 text="Done."]]"""),
            "sendcat");
        foreach (var _ in new[] { 1, 2 })
        {
            await chat.Claims.FailAsync((await chat.ClaimAsync(ToolLane.SearchGlobal)).Lease, "no", retryable: false);
        }

        var job = await chat.ClaimAsync(ToolLane.SearchProducts);
        await chat.Claims.FailAsync(job.Lease, "no", retryable: false);
        await telling;

        Assert.Contains("\"includeGlobal\":false", job.Arguments, StringComparison.Ordinal);
        Assert.Null(job.Cache);
    }

    [Fact]
    public async Task A_category_is_found_by_its_name()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        await chat.Api.ExecuteAsync(
            """
            insert into reliability.ebay_taxonomy_meta (marketplace_id, fetched_at) values ('EBAY_US', now());
            insert into reliability.ebay_categories (marketplace_id, category_id, category_name, normalized_name, parent_id, path, leaf, fetched_at) values
            ('EBAY_US', '1', 'Home', 'home', null, 'Home', false, now()), ('EBAY_US', '2', 'Rice Cookers', 'rice cookers', '1', 'Home > Rice Cookers', true, now()),
            ('EBAY_US', '3', 'Cookers & Ovens', 'cookers ovens', '1', 'Home > Cookers & Ovens', true, now()), ('EBAY_GB', '4', 'Cookers, Rice', 'cookers rice', null, 'x', true, now())
            """);

        var telling = chat.ChatAsync(await chat.AskingAsync("""[[emu call=1 tool=search_products args={"query":"cooker","categoryName":"rice COOKERS!"}]] [[emu call=2 text="Done."]]"""), "sendcat");
        var job = await chat.ClaimAsync(ToolLane.SearchProducts);
        await chat.Claims.FailAsync(job.Lease, "no", retryable: false);
        await telling;

        Assert.Contains("\"categoryId\":\"2\",\"categoryName\":\"rice COOKERS!\"", job.Arguments, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("search_web", "{}", "had no query")]
    [InlineData("search_products", "{\"query\":[]}", "had no query")]
    [InlineData("search_global", "{\"q\":\"x\"}", "had no query")]
    [InlineData("search_the_moon", "{}", "no tool of that name")]
    public async Task Arguments_that_make_no_question_cost_no_job(string tool, string arguments, string told)
    {
        await using var chat = await ToolChat.StartAsync(postgres);

        await chat.ChatAsync(await chat.AskingAsync($$"""[[emu call=1 tool={{tool}} args={{arguments}}]] [[emu call=2 text="Done."]]"""), "sendcat");

        Assert.Contains(told, chat.Told()[^1].Content, StringComparison.Ordinal);
        Assert.Equal(0, await chat.Api.ScalarAsync<long>("select count(*) from reliability.tool_jobs"));
    }

    private static string Web(string title) => JsonSerializer.Serialize(
        new SearchWebResult("search_web", "for logs", "[]", [new SearchWebHit(title, "https://a.example/", "All of them.")]), ToolJson.Default.SearchWebResult);

    private static string Golden(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Chat", name));
}
