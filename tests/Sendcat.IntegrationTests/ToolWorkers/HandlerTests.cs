using System.Diagnostics.Metrics;
using System.Text.Json;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>The tool handlers with scripted upstream responses: parsing, partial results, limits, circuits and tokens.</summary>
public sealed class HandlerTests(SharedStores stores)
{
    private const string Search = "/buy/browse/v1/item_summary/search";
    private const string Web = """{"query":"kettle"}""";
    private const string Products = """{"query":"kettle","limit":5,"minPrice":10,"maxPrice":60,"condition":"new","shipping":"free"}""";
    private const string Items = """
        {"total":2,"itemSummaries":[
          {"itemId":"v1|1|0","title":"Kettle","price":{"value":"49.99","currency":"USD"},"image":{"imageUrl":"https://i/1.jpg"},"itemWebUrl":"https://ebay.com/itm/1","condition":"New","seller":{"username":"shop","feedbackPercentage":"98.7"}},
          {"itemId":"v1|2|0","title":"Doubtful kettle","price":{"value":"9.99","currency":"USD"},"itemWebUrl":"https://ebay.com/itm/2","seller":{"username":"shade","feedbackPercentage":"71.0"}}]}
        """;

    private const string Shopping = """
        {"shopping":[
          {"title":"Kettle X","source":"Kettle World","link":"https://www.google.com/shopping/product/9","price":"$30.00","imageUrl":"https://i/9.jpg","rating":4.4,"ratingCount":120,"productId":"9","position":1},
          {"title":"Leads nowhere","source":"Nobody","price":"$1.00"}]}
        """;

    [Fact]
    public async Task A_web_search_returns_the_first_five_results()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/search", $$"""{"organic":[{{string.Join(',', Enumerable.Range(1, 7).Select(i => $$"""{"title":"T{{i}}","link":"https://l/{{i}}","snippet":"S{{i}}","position":{{i}}}"""))}}],"credits":1}""");

        var done = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web));

        var result = JsonSerializer.Deserialize(done.Json, ToolJson.Default.SearchWebResult)!;
        Assert.Equal(5, result.SearchResults.Count);
        Assert.Equal(new SearchWebHit("T1", "https://l/1", "S1"), result.SearchResults[0]);
        Assert.True(done.Cacheable);
        var request = Assert.Single(rig.Requests);
        Assert.Equal("""{"q":"kettle","num":5}""", request.Body);
        Assert.Equal("serper-key", request.Headers["X-API-KEY"]);
    }

    [Fact]
    public async Task Products_come_from_both_sources()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On(Search, Items).On("/shopping", Shopping);

        var done = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products));

        var result = JsonSerializer.Deserialize(done.Json, ToolJson.Default.ProductsResult)!;
        Assert.Equal((1, 1), (result.EbayCount, result.GlobalCount));
        Assert.Equal(new Product("v1|1|0", "Kettle", "USD 49.99", "https://i/1.jpg", "https://ebay.com/itm/1")
        {
            Source = "ebay", MerchantName = "eBay", MerchantDomain = "ebay.com", ProductUrl = "https://ebay.com/itm/1", SellerName = "shop",
            SellerFeedback = "98.7%", Condition = "New", PriceAmount = 49.99m, PriceCurrency = "USD",
        }, result.Products[0]);
        Assert.Equal(
            ("kettleworld.com", "https://kettleworld.com", 4.4, 120),
            (result.Products[1].MerchantDomain, result.Products[1].ProductUrl, result.Products[1].Rating, result.Products[1].Reviews));
        Assert.True(done.Cacheable);
        var request = Assert.Single(rig.Requests, it => it.Path == Search);
        Assert.Equal(("Bearer token-1", "EBAY_US"), (request.Headers["Authorization"], request.Headers["X-EBAY-C-MARKETPLACE-ID"]));
        Assert.Contains(
            "price:[10..60],priceCurrency:USD,conditionIds:{1000},maxDeliveryCost:0", Uri.UnescapeDataString(request.Query),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_of_every_source_are_validated_and_truncated()
    {
        var longText = new string('w', 200_000);
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On(Search, $$$"""
            {"itemSummaries":[null,
              {"itemId":"v1|1|0","title":"Trap","price":{"value":"1","currency":"USD"},"itemWebUrl":"javascript:alert(1)"},
              {"itemId":"v1|2|0","title":"{{{longText}}}","price":{"value":"8.00","currency":"GBP"},"image":{"imageUrl":"javascript:alert(1)"},"itemWebUrl":"https://ebay.com/itm/2","condition":"{{{longText}}}","seller":{"username":"{{{longText}}}"}}]}
            """)
            .On("/shopping", """{"shopping":[{"title":"Trap","link":"javascript:alert(1)"},{"title":"Pot","link":"https://shop.example/1","imageUrl":"data:image/svg+xml,x","price":"$30"}]}""")
            .On("/search", $$$"""{"organic":[{"title":"Trap","link":"javascript:alert(1)","snippet":"x"},{"title":"{{{longText}}}","link":"https://a.example/","snippet":"{{{longText}}}"}]}""");

        var products = JsonSerializer.Deserialize(
            Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products)).Json,
            ToolJson.Default.ProductsResult)!;
        var web = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web));

        Assert.Equal(["https://ebay.com/itm/2", "https://shop.example/1"], products.Products.Select(product => product.Url));
        Assert.Equal((1, 1, "GBP 8.00"), (products.EbayCount, products.GlobalCount, products.Products[0].Price));
        Assert.All(products.Products, product => Assert.Equal("", product.Image));
        Assert.InRange(
            products.Products[0].Title.Length + products.Products[0].Condition!.Length + products.Products[0].SellerName!.Length, 3, 600);
        var hit = Assert.Single(JsonSerializer.Deserialize(web.Json, ToolJson.Default.SearchWebResult)!.SearchResults);
        Assert.Equal((300, 1_000), (hit.Title.Length, hit.Snippet!.Length));
        Assert.InRange(web.Json.Length, 1_000, 10_000);
    }

    [Fact]
    public async Task An_api_key_in_a_query_string_is_in_no_span()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = new System.Diagnostics.ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref System.Diagnostics.ActivityCreationOptions<System.Diagnostics.ActivityContext> _) =>
                System.Diagnostics.ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
                spans.Enqueue($"{span.DisplayName} {string.Join(' ', span.TagObjects)} {string.Join(' ', span.Baggage)}"),
        };
        System.Diagnostics.ActivitySource.AddActivityListener(listener);
        await using var rig = await UpstreamRig.StartAsync(stores, null, ("SERPER_API_KEY", ""), ("SERPAPI_API_KEY", "key-in-the-query"));
        rig.On(
            "/search.json",
            """{"shopping_results":[{"title":"Pot","product_link":"https://shop.example/1","price":"$3","product_id":"1"}]}""");

        Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":5}"""));

        Assert.Contains("api_key=key-in-the-query", Assert.Single(rig.Requests).Query, StringComparison.Ordinal);
        Assert.Contains(
            spans, span => span.Contains("url.full", StringComparison.Ordinal) && span.Contains("search.json", StringComparison.Ordinal));
        Assert.DoesNotContain(
            spans,
            span => span.Contains("key-in-the-query", StringComparison.Ordinal) && !span.Contains("url.query", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failed_source_gives_a_partial_result_that_is_not_cacheable()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On(Search, """{"errors":[]}""", 400).On("/shopping", Shopping);

        var done = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products));

        Assert.Equal(["ebay"], JsonSerializer.Deserialize(done.Json, ToolJson.Default.ProductsResult)!.FailedSources);
        Assert.False(done.Cacheable);
    }

    [Theory]
    [InlineData("/shopping", "global", "global_search", 0)]
    [InlineData(Search, "ebay", "ebay_search", 1)]
    [InlineData("/identity/v1/oauth2/token", "ebay", "ebay_search", 0)]
    public async Task A_hanging_source_times_out_after_the_other_source_has_responded(
        string hanging, string source, string circuit, int successes)
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On(Search, Items).On("/shopping", Shopping).OnHang(hanging);

        var done = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products));

        var result = JsonSerializer.Deserialize(done.Json, ToolJson.Default.ProductsResult)!;
        Assert.Equal([source], result.FailedSources);
        Assert.Equal((1, false), (result.Products.Count, done.Cacheable));
        Assert.InRange(rig.RequestCount(hanging), 1, 2); // fewer retries than without a response of the other source
        var reading = rig.Get<Circuits>().States().Single(state => state.Provider == circuit);
        Assert.Equal((1, "timeout", successes), (reading.FailureCount, reading.LastError, reading.SuccessCount));
    }

    [Fact]
    public async Task A_search_waits_for_a_bulkhead_slot_and_then_runs()
    {
        await using var rig = await UpstreamRig.StartAsync(stores, knobs: ("BULKHEAD_SERPER_MAX_CONCURRENT", "1"));
        var (received, release, full) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        using var saturations = new MeterListener();
        saturations.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "sendcat.bulkhead.saturated")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        saturations.SetMeasurementEventCallback<long>((_, _, _, _) => full.TrySetResult());
        saturations.Start();
        rig.OnAsync("/search", async _ =>
        {
            received.TrySetResult();
            await release.Task;
            return new(200, """{"organic":[]}""");
        });

        var first = RunAsync(rig, QueuedTool.SearchWeb.Lane, Web);
        await received.Task;
        var second = RunAsync(rig, QueuedTool.SearchWeb.Lane, Web);
        await full.Task;
        release.SetResult();

        Assert.All(await Task.WhenAll(first, second), result => Assert.IsType<ToolResult.Done>(result));
    }

    [Fact]
    public async Task A_bulkhead_that_stays_full_is_a_final_failure_without_a_request_or_a_circuit_failure()
    {
        await using var rig = await UpstreamRig.StartAsync(stores, knobs: ("BULKHEAD_SERPER_MAX_CONCURRENT", "1"));
        var entry = await rig.Get<Bulkheads>().AcquireAsync("serper_search", "another", CancellationToken.None);
        await using var slot = Assert.IsType<BulkheadLease>(entry.Lease);

        var failed = Assert.IsType<ToolResult.Failed>(await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web));

        Assert.Equal(("serper_search: the bulkhead is saturated.", false), (failed.Error, failed.Retryable));
        Assert.Equal(
            (0, 0),
            (rig.RequestCount("/search"),
                rig.Get<Circuits>().States().Single(circuit => circuit.Provider == "serper_search").FailureCount));
    }

    [Theory]
    [InlineData("JM", """{"q":"kettle","num":3,"gl":"jm"}""", "&num=3&gl=jm&api_key")]
    [InlineData(
        "Kingston, Jamaica", """{"q":"kettle","num":3,"location":"Kingston, Jamaica"}""", "&num=3&location=Kingston%2C%20Jamaica&api_key")]
    public async Task A_country_code_and_a_location_are_sent_as_different_parameters(string location, string serper, string serpApi)
    {
        var arguments = $$"""{"query":"kettle","limit":3,"location":"{{location}}"}""";
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/shopping", Shopping);
        await using var other = await UpstreamRig.StartAsync(stores, knobs: [("SERPER_API_KEY", ""), ("SERPAPI_API_KEY", "key")]);
        other.On("/search.json", """{"shopping_results":[]}""");

        await RunAsync(rig, QueuedTool.SearchGlobal.Lane, arguments);
        await RunAsync(other, QueuedTool.SearchGlobal.Lane, arguments);

        Assert.Equal(serper, Assert.Single(rig.Requests).Body);
        Assert.Contains(serpApi, Assert.Single(other.Requests).Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_failed_sources_are_a_retryable_failure()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On(Search, "{}", 503).On("/shopping", "{}", 503);

        var failed = Assert.IsType<ToolResult.Failed>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products));

        Assert.True(failed.Retryable);
        Assert.Equal("ebay_search: HTTP 503; global_search: HTTP 503", failed.Error);
        Assert.Equal((3, 3), (rig.RequestCount(Search), rig.RequestCount("/shopping")));
    }

    [Fact]
    public async Task The_eBay_token_is_fetched_once_and_again_when_it_is_rejected()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        var fetched = 0;
        rig.On("/shopping", Shopping)
            .On(
                "/identity/v1/oauth2/token",
                _ => new(200, $$"""{"access_token":"token-{{Interlocked.Increment(ref fetched)}}","expires_in":7200}"""))
            .On(Search, request => request.Headers["Authorization"] == $"Bearer token-{fetched}" ? new(200, Items) : new(401, "{}"));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(rig, QueuedTool.SearchProducts.Lane, Products)));
        Assert.Equal(1, fetched);

        rig.On(Search, request => request.Headers["Authorization"] == "Bearer token-2" ? new(200, Items) : new(401, "{}"));
        Assert.True(Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products)).Cacheable);
        Assert.Equal(2, fetched);
    }

    [Fact]
    public async Task Rejected_requests_and_missing_keys_do_not_open_a_circuit()
    {
        await using var rig = await UpstreamRig.StartAsync(stores, knobs: ("EBAY_CLIENT_ID", ""));
        rig.On("/search", """{"message":"Unauthorized."}""", 403).On("/shopping", """{"message":"Not enough credits"}""", 400);

        for (var i = 0; i < 6; i++)
        {
            Assert.False(Assert.IsType<ToolResult.Failed>(await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web)).Retryable);
            Assert.False(Assert.IsType<ToolResult.Failed>(await RunAsync(rig, QueuedTool.SearchProducts.Lane, Products)).Retryable);
        }

        Assert.All(rig.Get<Circuits>().States(), circuit => Assert.Equal("closed", circuit.State));
        Assert.Equal((6, 6), (rig.RequestCount("/search"), rig.RequestCount("/shopping")));
    }

    [Fact]
    public async Task A_search_with_retries_counts_as_one_circuit_failure()
    {
        await using var rig = await UpstreamRig.StartAsync(stores);
        rig.On("/search", "{}", 503);

        for (var i = 0; i < 3; i++)
        {
            await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web);
        }

        var serper = rig.Get<Circuits>().States().Single(circuit => circuit.Provider == "serper_search");
        Assert.Equal(("closed", 3), (serper.State, serper.FailureCount));
        Assert.Equal(9, rig.RequestCount("/search"));

        await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web);
        var failed = Assert.IsType<ToolResult.Failed>(await RunAsync(rig, QueuedTool.SearchWeb.Lane, Web));
        Assert.Equal(("serper_search: the circuit is open.", false, 12), (failed.Error, failed.Retryable, rig.RequestCount("/search")));
    }

    [Fact]
    public async Task SerpApi_is_used_without_a_Serper_key_and_its_empty_result_is_no_failure()
    {
        await using var rig = await UpstreamRig.StartAsync(stores, knobs: [("SERPER_API_KEY", ""), ("SERPAPI_API_KEY", "serpapi-key")]);
        rig.On("/search.json", """{"search_metadata":{"status":"Success"},"error":"Google hasn't returned any results for this query."}""");

        var done = Assert.IsType<ToolResult.Done>(await RunAsync(rig, QueuedTool.SearchGlobal.Lane, """{"query":"kettle","limit":12}"""));

        Assert.False(done.Cacheable);
        Assert.Contains(
            "engine=google_shopping&q=kettle&num=12&api_key=serpapi-key", Assert.Single(rig.Requests).Query, StringComparison.Ordinal);
    }

    private static Task<ToolResult> RunAsync(UpstreamRig rig, ToolLane lane, string arguments) =>
        rig.Get<IEnumerable<IToolHandler>>().Single(handler => handler.Lane == lane).RunAsync(arguments, CancellationToken.None);
}
