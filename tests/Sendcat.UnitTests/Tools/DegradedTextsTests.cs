using Sendcat.ApiService.Tools;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.UnitTests.Tools;

public sealed class DegradedTextsTests
{
    private static readonly Product Kettle = new("1", "Kettle", "USD 20", "", "https://shop.example/1");

    [Fact]
    public void Every_trouble_with_the_queue_has_its_words_and_the_queues_own_reason()
    {
        Told(new ToolJobOutcome.TimedOut(ToolBackpressure.QueueTimeout(TimeSpan.FromSeconds(8))), "overloaded", new("queue_timeout", true, 2000));
        Told(new ToolJobOutcome.Saturated("[queue_saturated:search_web]", ToolBackpressure.QueueSaturated), "overloaded", new("queue_saturated", true, 1000));
        Told(new ToolJobOutcome.Failed("serper_search: HTTP 503", ToolBackpressure.DeadLetter), "serper_search: HTTP 503", new("dead_letter", true, 1500));
        Told(new ToolJobOutcome.Failed("SERPER_API_KEY is not set.", null), "is not set", null);
        Told(new ToolJobOutcome.Cancelled(), "brought nothing", null);

        static void Told(ToolJobOutcome trouble, string words, ToolPressure? pressure)
        {
            var answer = ProductsAnswer.Of("kettle", "product search", new LookupResult<ProductsResult>(null, LookupSource.None, trouble));
            Assert.Contains(words, answer.Text, StringComparison.Ordinal);
            Assert.Contains("Continue with what you know", answer.Text, StringComparison.Ordinal);
            Assert.Equal((true, pressure, null), (answer.Failed, answer.Pressure, answer.OutputJson));
        }
    }

    [Fact]
    public void What_was_found_earlier_stands_in_and_says_so()
    {
        var answer = ProductsAnswer.Of("kettle", "product search", new(Result([Kettle]), LookupSource.StaleCache, new ToolJobOutcome.TimedOut(ToolBackpressure.QueueSaturated)));

        Assert.Contains(DegradedTexts.OutOfDate, answer.Text, StringComparison.Ordinal);
        Assert.NotNull(answer.Pressure);
        Assert.NotNull(answer.OutputJson);
        Assert.False(answer.Failed);
    }

    [Fact]
    public void A_source_that_did_not_answer_is_named()
    {
        var answer = ProductsAnswer.Of("kettle", "product search", new(Result([Kettle], "ebay"), LookupSource.Job));

        Assert.StartsWith("1 eBay items and 0 global items", answer.Text, StringComparison.Ordinal);
        Assert.Contains("eBay did not answer", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_found_is_no_failure_and_shows_nothing()
    {
        var answer = ProductsAnswer.Of("kettle", "product search", new(Result([]), LookupSource.Job));

        Assert.Equal((false, null, null), (answer.Failed, answer.OutputJson, answer.Products));
    }

    private static ProductsResult Result(IReadOnlyList<Product> products, params string[] failed) => new("search_products", products, products.Count, 0, failed);
}
