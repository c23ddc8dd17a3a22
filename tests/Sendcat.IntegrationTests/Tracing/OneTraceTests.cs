using System.Net.Http.Headers;
using System.Net.Http.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>From the request through outbox, broker, worker and upstream back into the turn: one trace, over processes, attempts and replays.</summary>
public sealed class OneTraceTests(SharedStores stores)
{
    private const string Api = "Sendcat.ApiService";
    private const string Worker = "Sendcat.ToolWorker";

    [Fact]
    public async Task A_turn_its_job_and_what_the_job_asks_of_upstreams_are_one_trace()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), .. receiver.Knobs]);

        await sendcat.TurnAsync(Asks("search_products", "traced kettle"));
        var spans = await receiver.WaitForAsync(seen =>
            seen.Any(IsTurn) && seen.Any(IsEnded) && seen.Any(span => span.Name == "publish search_products") && seen.Any(span => span.Name == "run search_products"));

        var request = Server(spans);
        var turn = Below(spans, request, "chat turn");
        var tool = Below(spans, turn, "execute_tool search_products");
        var enqueue = Below(spans, tool, "enqueue search_products");
        var publish = spans.First(span => span.Parent == enqueue.Id && span.Name == "publish search_products");
        var run = Below(spans, enqueue, "run search_products");
        Assert.Equal((Api, "producer", "producer", Worker, "consumer"), (tool.Service, enqueue.Kind, publish.Kind, run.Service, run.Kind));

        var asked = spans.Where(span => span.Parent == run.Id && span is { Service: Worker, Kind: "client" } && span.Tags.ContainsKey("url.full")).Select(span => new Uri(span.Tags["url.full"]).AbsolutePath).ToArray();
        Assert.Contains("/ebay/buy/browse/v1/item_summary/search", asked);
        Assert.Contains("/serper/shopping", asked);

        // Back in the turn: the model is asked again, with what was found, when the job is over.
        var model = spans.Where(span => span.Parent == turn.Id && span.Source == "Sendcat.GenAI").OrderBy(span => span.Start).ToArray();
        Assert.Equal(2, model.Length);
        Assert.True(model[0].End <= enqueue.Start && tool.End <= model[1].Start && run.Start >= enqueue.Start);
        Assert.All(new[] { turn, tool, enqueue, publish, run, model[0], model[1] }, span => Assert.Equal(request.Trace, span.Trace));
    }

    [Fact]
    public async Task Attempts_and_replays_stay_in_the_trace_of_the_turn_that_asked()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), ("TOOL_JOB_RETRY_BASE_MS", "100"), ("CIRCUIT_SERPER_THRESHOLD", "100"), .. receiver.Knobs]);

        // Three tries are one attempt, two attempts make a dead letter; the seventh try succeeds.
        var turn = await sendcat.TurnAsync(Asks("search_web", "traced twice [[emu status=503 times=6]]"));
        Assert.Equal("dead_letter", turn.Of("tool-backpressure").Single().Text("reason"));
        await ReplayAsync(sendcat);
        var spans = await receiver.WaitForAsync(seen =>
            seen.Any(IsTurn) && seen.Any(IsEnded) && seen.Count(span => span.Name == "run search_web") == 3 && seen.Count(span => span.Name == "publish search_web") >= 3);

        var enqueue = Below(spans, Below(spans, Below(spans, Server(spans), "chat turn"), "execute_tool search_web"), "enqueue search_web");
        var runs = spans.Where(span => span.Name == "run search_web").OrderBy(span => span.Start).ToArray();
        Assert.Equal([("1", "requeued"), ("2", "dead_letter"), ("1", "completed")], runs.Select(run => (run.Tags["sendcat.tool_job.attempt"], run.Tags["sendcat.tool_job.outcome"])));
        Assert.All(runs.Concat(spans.Where(span => span.Name == "publish search_web")), span => Assert.Equal((enqueue.Trace, enqueue.Id), (span.Trace, span.Parent)));
        Assert.All(runs, run => Assert.Contains(spans, span => span.Parent == run.Id && span.Kind == "client" && span.Tags.GetValueOrDefault("url.full", "").EndsWith("/serper/search", StringComparison.Ordinal)));
    }

    private static async Task ReplayAsync(SendcatSystem sendcat)
    {
        using var operators = new HttpClient { BaseAddress = sendcat.Api.Address };
        operators.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        using var answer = await operators.PostAsJsonAsync("/api/ops/tool-jobs/dead-letters/requeue", new { tool = "search_web" });
        answer.EnsureSuccessStatusCode();
    }

    private static ReceivedSpan Server(IReadOnlyList<ReceivedSpan> spans) => spans.Single(IsTurn);

    /// <summary>The span of the request. It ends after the reader has seen the end of the answer, and after all that the turn did.</summary>
    private static bool IsTurn(ReceivedSpan span) => span is { Kind: "server", Service: Api } && span.Tags.GetValueOrDefault("url.path") == "/api/chat";

    private static bool IsEnded(ReceivedSpan span) => span.Name == "chat turn";

    private static ReceivedSpan Below(IReadOnlyList<ReceivedSpan> spans, ReceivedSpan parent, string name) => spans.Single(span => span.Parent == parent.Id && span.Name == name);
}
