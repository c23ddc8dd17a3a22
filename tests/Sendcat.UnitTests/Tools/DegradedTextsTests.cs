using Sendcat.ApiService.Tools;
using Sendcat.ApiService.Tools.SearchProducts;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.UnitTests.Tools;

public sealed class DegradedTextsTests
{
    private static readonly Product Kettle = new("1", "Kettle", "USD 20", "", "https://shop.example/1");

    [Fact]
    public void Every_queue_failure_has_a_text_for_the_model_and_reports_its_backpressure_reason()
    {
        AssertFailure(
            new ToolJobOutcome.TimedOut(ToolBackpressure.QueueTimeout(TimeSpan.FromSeconds(8))), "overloaded",
            new("queue_timeout", true, 2000));
        AssertFailure(
            new ToolJobOutcome.Saturated("[queue_saturated:search_web]", ToolBackpressure.QueueSaturated), "overloaded",
            new("queue_saturated", true, 1000));
        AssertFailure(
            new ToolJobOutcome.Failed("serper_search: HTTP 503", ToolBackpressure.DeadLetter), "serper_search: HTTP 503",
            new("dead_letter", true, 1500));
        AssertFailure(new ToolJobOutcome.Failed("SERPER_API_KEY is not set.", null), "is not set", null);
        AssertFailure(new ToolJobOutcome.Cancelled(), "brought nothing", null);

        static void AssertFailure(ToolJobOutcome outcome, string text, ToolPressure? pressure)
        {
            var answer = ProductsAnswer.Of(
                "kettle", QueuedTool.SearchProducts, new LookupResult<ProductsResult>(null, LookupSource.None, outcome), link => link);
            Assert.Contains(text, answer.Text, StringComparison.Ordinal);
            Assert.Contains("Continue with what you know", answer.Text, StringComparison.Ordinal);
            Assert.Equal((true, pressure, null), (answer.Failed, answer.Pressure, answer.OutputJson));
        }
    }

    [Fact]
    public void A_stale_cached_result_is_returned_and_marked_as_out_of_date()
    {
        var answer = ProductsAnswer.Of(
            "kettle", QueuedTool.SearchProducts,
            new(Result([Kettle]), LookupSource.StaleCache, new ToolJobOutcome.TimedOut(ToolBackpressure.QueueSaturated)), link => link);

        Assert.Contains(DegradedTexts.OutOfDate, answer.Text, StringComparison.Ordinal);
        Assert.NotNull(answer.Pressure);
        Assert.NotNull(answer.OutputJson);
        Assert.False(answer.Failed);
    }

    [Fact]
    public void A_source_that_did_not_answer_is_named()
    {
        var answer = ProductsAnswer.Of("kettle", QueuedTool.SearchProducts, new(Result([Kettle], "ebay"), LookupSource.Job), link => link);

        Assert.StartsWith("1 eBay items and 0 global items", answer.Text, StringComparison.Ordinal);
        Assert.Contains("eBay did not answer", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_result_is_no_failure_and_has_no_output()
    {
        var answer = ProductsAnswer.Of("kettle", QueuedTool.SearchProducts, new(Result([]), LookupSource.Job), link => link);

        Assert.Equal((false, null, null), (answer.Failed, answer.OutputJson, answer.Products));
    }

    private static ProductsResult Result(IReadOnlyList<Product> products, params string[] failed) =>
        new("search_products", products, products.Count, 0, failed);
}
