using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Ledger;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Chat;

/// <summary>The events about tools in a chat stream, in both dialects. The golden files are in the folder of this file.</summary>
public sealed class ToolEventsTests(PostgresFixture postgres)
{
    private const string WebSearchScript =
        """[[emu call=1 tool=search_web id=call_1 args={"query":"Kettle Reviews"} tool-split=1]] [[emu call=2 text="Done." chunks=1]]""";
    private const string ProductSearchScript = """[[emu call=1 tool=search_products id=call_1 args={"query":"kettle","maxPrice":"$60"} tool-split=1]] [[emu call=2 text="Done." chunks=1]]""";

    private static readonly JsonSerializerOptions Unescaped = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly Product Red = new(
        "v1|1|0", "Red kettle – 1.7 ℓ", "USD 20.00", "https://i.example/1.jpg", "https://www.ebay.example/itm/1")
    {
        Source = "ebay", MerchantName = "eBay", MerchantDomain = "ebay.com", ProductUrl = "https://www.ebay.example/itm/1",
        SellerName = "kettle_house", SellerFeedback = "99.1%", Condition = "New",
    };

    private static readonly Product Blue = new("g-2", "Blue kettle", "$25.00", "https://i.example/2.jpg", "https://shop.example/2")
    {
        Source = "global", MerchantName = "Shop", Rating = 4.5, Reviews = 12,
    };

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task The_product_search_stream_matches_the_golden_file(string dialect)
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.StartThreadAsync(ProductSearchScript);

        var streaming = chat.ChatAsync(thread, dialect);
        var job = await chat.ClaimAsync(QueuedTool.SearchProducts.Lane);
        await chat.Leases.CompleteAsync(
            job.Lease,
            JsonSerializer.Serialize(new ProductsResult("search_products", [Red, Blue], 1, 1, []), ToolJson.Default.ProductsResult));

        Assert.Equal(Golden($"products.{dialect}.sse"), await streaming);
        Assert.Equal(
            """{"query":"kettle","limit":36,"sellerRating":95,"includeGlobal":true,"globalLimit":12,"maxPrice":60}""", job.Arguments);
        Assert.Equal(
            ("search_products_v1", "q=kettle&limit=36&categoryid=&categoryname=&minprice=&maxprice=60&condition=&shipping=&sellerrating=95&location=&marketplaceid=ebay_us"),
            (job.Cache!.Namespace, job.Cache.Key));

        var messages = await chat.MessagesAsync(thread);
        Assert.Equal(
            ["Red kettle – 1.7 ℓ", "Blue kettle"], messages[1]["products"]!.AsArray().Select(product => (string)product!["title"]!));
        Assert.Equal(
            ("tool", "call_1", "search_products", "completed"),
            ((string)messages[2]["role"]!, (string)messages[2]["toolCallId"]!, (string)messages[2]["name"]!,
                (string)messages[2]["status"]!));
        Assert.StartsWith("1 eBay items and 1 global items", (string)messages[2]["content"]!, StringComparison.Ordinal);
        Assert.EndsWith(
            "[Products shown to the user]\n1. Red kettle – 1.7 ℓ | USD 20.00 | New\n2. Blue kettle | $25.00",
            chat.ModelMessages()[^1].Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task The_web_search_stream_matches_the_golden_file(string dialect)
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.StartThreadAsync(WebSearchScript);

        var streaming = chat.ChatAsync(thread, dialect);
        var job = await chat.ClaimAsync(QueuedTool.SearchWeb.Lane);
        await chat.Leases.CompleteAsync(job.Lease, WebResult("Kettles – tested"));

        Assert.Equal(Golden($"web.{dialect}.sse"), await streaming);
        Assert.Equal(
            ("""{"query":"Kettle Reviews"}""", "search_web_v1", "kettle reviews"), (job.Arguments, job.Cache!.Namespace, job.Cache.Key));
        Assert.Equal(
            ("tool", """[{"title":"Kettles – tested","link":"https://a.example/","snippet":"All of them."}]"""), chat.ModelMessages()[^1]);
        Assert.Equal(
            """[{"url":"https://a.example/","title":"Kettles – tested","snippet":"All of them."}]""",
            (await chat.MessagesAsync(thread))[1]["sources"]!.ToJsonString(Unescaped));
    }

    [Fact]
    public async Task Links_of_products_to_ebay_are_tagged_where_an_affiliate_is_configured()
    {
        await using var chat = await ToolChat.StartAsync(
            postgres, ("EPN_CAMPID", "5338"), ("EPN_MKCID", "1"), ("EPN_MKRID", "711"), ("EPN_TOOLID", "10001"), ("EPN_MKEVT", "1"));
        var thread = await chat.StartThreadAsync(ProductSearchScript);
        var listed = Red with { Url = "https://www.ebay.com/itm/1?hash=a", ProductUrl = "https://www.ebay.com/itm/1" };

        var streaming = chat.ChatAsync(thread, "sendcat");
        var job = await chat.ClaimAsync(QueuedTool.SearchProducts.Lane);
        await chat.Leases.CompleteAsync(
            job.Lease,
            JsonSerializer.Serialize(new ProductsResult("search_products", [listed, Blue], 1, 1, []), ToolJson.Default.ProductsResult));
        var stream = await streaming;

        const string Tag = "mkevt=1&mkcid=1&mkrid=711&campid=5338&toolid=10001";
        var products = (await chat.MessagesAsync(thread))[1]["products"]!.AsArray();
        Assert.Equal(
            ($"https://www.ebay.com/itm/1?hash=a&{Tag}", $"https://www.ebay.com/itm/1?{Tag}"),
            ((string)products[0]!["url"]!, (string)products[0]!["productUrl"]!));
        Assert.Equal(Blue.Url, (string)products[1]!["url"]!);
        Assert.Contains($"\"url\":\"https://www.ebay.com/itm/1?hash=a&{Tag}\"", stream, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("queue_saturated", 1000)]
    [InlineData("queue_timeout", 1000)]
    [InlineData("dead_letter", 1500)]
    public async Task A_queue_failure_is_reported_as_backpressure_with_its_reason_and_retry_time(string reason, int retryAfterMs)
    {
        foreach (var dialect in new[] { "sendcat", "ui" })
        {
            await using var chat = await ToolChat.StartAsync(
                postgres, ("TOOL_JOB_QMAX_WEB", "1"), ("TOOL_JOB_WAIT_MS", reason == "queue_timeout" ? "1000" : "30000"),
                ("TOOL_JOB_MAX_ATTEMPTS", "1"));
            var thread = await chat.StartThreadAsync(WebSearchScript);
            if (reason == "queue_saturated")
            {
                await chat.Api.Services.GetRequiredService<ToolJobLedger>()
                    .EnterAsync(Guid.CreateVersion7(), new(QueuedTool.SearchWeb.Lane, "{}", "user:other"), default);
            }

            var streaming = chat.ChatAsync(thread, dialect);
            if (reason == "dead_letter")
            {
                await chat.Leases.FailAsync(
                    (await chat.ClaimAsync(QueuedTool.SearchWeb.Lane)).Lease, "serper_search: HTTP 503", retryable: true);
            }

            var stream = await streaming;
            Assert.Contains(
                dialect == "sendcat"
                    ? $$"""data: {"type":"tool-backpressure","toolCallId":"call_1","toolName":"search_web","reason":"{{reason}}","retryable":true,"retryAfterMs":{{retryAfterMs}}}"""
                    : $$$"""data: {"type":"data-tool-backpressure","transient":true,"data":{"toolCallId":"call_1","toolName":"search_web","reason":"{{{reason}}}","retryable":true,"retryAfterMs":{{{retryAfterMs}}}}}""",
                stream.Split("\n\n"));
            Assert.Contains("\"type\":\"tool-output-error\",\"toolCallId\":\"call_1\",\"errorText\":", stream, StringComparison.Ordinal);
            Assert.DoesNotContain("tool-output-partially-available", stream, StringComparison.Ordinal);
            Assert.Contains("Done.", stream, StringComparison.Ordinal);
            Assert.Contains(
                reason == "dead_letter" ? "failed: serper_search: HTTP 503" : "overloaded", chat.ModelMessages()[^1].Content,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_permanent_tool_failure_is_reported_to_the_model_and_not_as_backpressure()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var streaming = chat.ChatAsync(await chat.StartThreadAsync(WebSearchScript), "sendcat");
        await chat.Leases.FailAsync(
            (await chat.ClaimAsync(QueuedTool.SearchWeb.Lane)).Lease, "SERPER_API_KEY is not set.", retryable: false);

        Assert.DoesNotContain("tool-backpressure", await streaming, StringComparison.Ordinal);
        Assert.StartsWith("The web search failed: SERPER_API_KEY is not set.", chat.ModelMessages()[^1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stale_cached_result_is_used_when_the_queue_times_out()
    {
        await using var chat = await ToolChat.StartAsync(postgres, ("TOOL_JOB_WAIT_MS", "1000"));
        var space = chat.Api.Services.GetRequiredService<ToolCacheNamespaces>().Of(QueuedTool.SearchWeb.Cache);
        var key = new SearchWebArguments("Kettle Reviews").CacheKey;
        await chat.Api.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase()
            .StringSetAsync(RedisKeys.ToolCacheEntry(space.Name, key), "1:" + WebResult("Old news"));

        var stream = await chat.ChatAsync(await chat.StartThreadAsync(WebSearchScript), "sendcat");

        Assert.Contains("\"reason\":\"queue_timeout\"", stream, StringComparison.Ordinal);
        Assert.Contains(
            """data: {"type":"tool-output-partially-available","toolCallId":"call_1","output":[{"title":"Old news",""", stream,
            StringComparison.Ordinal);
        Assert.Contains("may be out of date", chat.ModelMessages()[^1].Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_calls_of_one_step_run_concurrently_and_their_results_keep_the_call_order()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var thread = await chat.StartThreadAsync(
            """[[emu call=1 tool=search_web id=call_1 args={"query":"kettle"} tool=search_products id=call_2 args={"query":"kettle"} tool=search_products id=call_3 args={"query":"pan"}]] [[emu call=2 text="Done."]]""");

        var streaming = chat.ChatAsync(thread, "sendcat");
        LeasedJob[] products =
        [
            await chat.ClaimAsync(QueuedTool.SearchProducts.Lane), await chat.ClaimAsync(QueuedTool.SearchProducts.Lane),
        ];
        var web = await chat.ClaimAsync(QueuedTool.SearchWeb.Lane);
        foreach (var job in products.OrderBy(job => job.Arguments.Contains("kettle", StringComparison.Ordinal)))
        {
            var found = job.Arguments.Contains("kettle", StringComparison.Ordinal) ? Red : Blue;
            await chat.Leases.CompleteAsync(
                job.Lease,
                JsonSerializer.Serialize(new ProductsResult("search_products", [found], 1, 0, []), ToolJson.Default.ProductsResult));
        }

        await chat.Leases.CompleteAsync(web.Lease, WebResult("Kettles"));
        await streaming;

        Assert.Equal(
            ["[{\"title\":\"Kettles\"", "1 eBay items and 0 ", "1 eBay items and 0 "],
            chat.ModelMessages().Where(message => message.Role == "tool").Select(message => message.Content[..19]));
        Assert.Equal(
            ["call_1", "call_2", "call_3"],
            chat.Model.Requests[^1].Body.GetProperty("messages").EnumerateArray()
                .Where(message => message.GetProperty("role").GetString() == "tool")
                .Select(message => message.GetProperty("tool_call_id").GetString()));
        var messages = await chat.MessagesAsync(thread);
        Assert.Equal(
            ["call_1", "call_2", "call_3"],
            messages.Where(message => (string)message["role"]! == "tool").Select(message => (string)message["toolCallId"]!));
        Assert.Equal([Red.Title, Blue.Title], messages[1]["products"]!.AsArray().Select(product => (string)product!["title"]!));
    }

    [Fact]
    public async Task A_product_search_excludes_global_results_when_the_global_search_budget_is_exhausted()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        var streaming = chat.ChatAsync(
            await chat.StartThreadAsync("""[[emu call=1 tool=search_global args={"query":"a"} tool=search_global args={"query":"b"}]] [[emu call=2 tool=search_products args={"query":"c"} tool-rounds=2]] [[emu call=3 text="Done."]]"""),
            "sendcat");
        foreach (var _ in new[] { 1, 2 })
        {
            await chat.Leases.FailAsync((await chat.ClaimAsync(QueuedTool.SearchGlobal.Lane)).Lease, "no", retryable: false);
        }

        var job = await chat.ClaimAsync(QueuedTool.SearchProducts.Lane);
        await chat.Leases.FailAsync(job.Lease, "no", retryable: false);
        await streaming;

        Assert.Contains("\"includeGlobal\":false", job.Arguments, StringComparison.Ordinal);
        Assert.Null(job.Cache);
    }

    [Fact]
    public async Task A_category_name_is_resolved_to_its_id()
    {
        await using var chat = await ToolChat.StartAsync(postgres);
        await chat.Api.ExecuteAsync(
            """
            insert into reliability.ebay_taxonomy_meta (marketplace_id, fetched_at) values ('EBAY_US', now());
            insert into reliability.ebay_categories (marketplace_id, category_id, category_name, normalized_name, parent_id, path, leaf,
              fetched_at) values
            ('EBAY_US', '1', 'Home', 'home', null, 'Home', false, now()),
              ('EBAY_US', '2', 'Rice Cookers', 'rice cookers', '1', 'Home > Rice Cookers', true, now()),
            ('EBAY_US', '3', 'Cookers & Ovens', 'cookers ovens', '1', 'Home > Cookers & Ovens', true, now()),
              ('EBAY_GB', '4', 'Cookers, Rice', 'cookers rice', null, 'x', true, now())
            """);

        var streaming = chat.ChatAsync(await chat.StartThreadAsync("""[[emu call=1 tool=search_products args={"query":"cooker","categoryName":"rice COOKERS!"}]] [[emu call=2 text="Done."]]"""), "sendcat");
        var job = await chat.ClaimAsync(QueuedTool.SearchProducts.Lane);
        await chat.Leases.FailAsync(job.Lease, "no", retryable: false);
        await streaming;

        Assert.Contains("\"categoryId\":\"2\",\"categoryName\":\"rice COOKERS!\"", job.Arguments, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("search_web", "{}", "had no query")]
    [InlineData("search_products", "{\"query\":[]}", "had no query")]
    [InlineData("search_global", "{\"q\":\"x\"}", "had no query")]
    [InlineData("search_the_moon", "{}", "no tool of that name")]
    public async Task Invalid_arguments_and_unknown_tools_create_no_job(string tool, string arguments, string expected)
    {
        await using var chat = await ToolChat.StartAsync(postgres);

        await chat.ChatAsync(
            await chat.StartThreadAsync($$"""[[emu call=1 tool={{tool}} args={{arguments}}]] [[emu call=2 text="Done."]]"""), "sendcat");

        Assert.Contains(expected, chat.ModelMessages()[^1].Content, StringComparison.Ordinal);
        Assert.Equal(0, await chat.Api.ScalarAsync<long>("select count(*) from reliability.tool_jobs"));
    }

    private static string WebResult(string title) => JsonSerializer.Serialize(
        new SearchWebResult("search_web", "for logs", "[]", [new SearchWebHit(title, "https://a.example/", "All of them.")]),
        ToolJson.Default.SearchWebResult);

    private static string Golden(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Chat", name));
}
