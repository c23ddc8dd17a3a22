using System.Net.Http.Headers;
using System.Net.Http.Json;
using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>
/// A turn and its tool jobs are one trace over all processes, attempts and replays: request, outbox, broker, worker, upstream, and the turn
/// again.
/// </summary>
public sealed class ToolJobTraceTests(SharedStores stores)
{
    private const string Api = "Sendcat.ApiService";
    private const string Worker = "Sendcat.ToolWorker";

    [Fact]
    public async Task A_turn_its_job_and_the_upstream_requests_of_the_job_are_one_trace()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), .. receiver.Knobs]);

        await sendcat.TurnAsync(CallTool("search_products", "traced kettle"));
        var spans = await receiver.WaitForAsync(seen =>
            seen.Any(IsRequest)
                && seen.Any(IsTurnSpan)
                && seen.Any(span => span.Name == "publish search_products")
                && seen.Any(span => span.Name == "run search_products"));

        var request = RequestSpan(spans);
        var turn = ChildOf(spans, request, "chat turn");
        var tool = ChildOf(spans, turn, "execute_tool search_products");
        var enqueue = ChildOf(spans, tool, "enqueue search_products");
        var publish = spans.First(span => span.Parent == enqueue.Id && span.Name == "publish search_products");
        var run = ChildOf(spans, enqueue, "run search_products");
        Assert.Equal((Api, "producer", "producer", Worker, "consumer"), (tool.Service, enqueue.Kind, publish.Kind, run.Service, run.Kind));

        var paths = spans.Where(
            span => span.Parent == run.Id && span is { Service: Worker, Kind: "client" } && span.Tags.ContainsKey("url.full"))
            .Select(span => new Uri(span.Tags["url.full"]).AbsolutePath)
            .ToArray();
        Assert.Contains("/ebay/buy/browse/v1/item_summary/search", paths);
        Assert.Contains("/serper/shopping", paths);

        // After the job has ended, the turn calls the model again with the result.
        var model = spans.Where(span => span.Parent == turn.Id && span.Source == "Sendcat.GenAI").OrderBy(span => span.Start).ToArray();
        Assert.Equal(2, model.Length);
        Assert.True(model[0].End <= enqueue.Start && tool.End <= model[1].Start && run.Start >= enqueue.Start);
        Assert.All(new[] { turn, tool, enqueue, publish, run, model[0], model[1] }, span => Assert.Equal(request.Trace, span.Trace));
    }

    [Fact]
    public async Task Attempts_and_replays_are_in_the_trace_of_the_turn_that_inserted_the_job()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1,
            [("TOOL_JOB_WAIT_MS", "60000"), ("TOOL_JOB_RETRY_BASE_MS", "100"), ("CIRCUIT_SERPER_THRESHOLD", "100"), .. receiver.Knobs]);

        // An attempt sends up to three requests, and a job has two attempts. The first six requests fail, so the replay succeeds.
        var turn = await sendcat.TurnAsync(CallTool("search_web", "traced twice [[emu status=503 times=6]]"));
        Assert.Equal("dead_letter", turn.Of("tool-backpressure").Single().Text("reason"));
        await ReplayAsync(sendcat);

        // Three runs, but not always three messages: an idle worker claims a job that is due before the job's message is published, which
        // then is not.
        var spans = await receiver.WaitForAsync(seen =>
            seen.Any(IsRequest)
                && seen.Any(IsTurnSpan)
                && seen.Any(span => span.Name == "publish search_web")
                && seen.Count(span => span.Name == "run search_web") == 3);

        var enqueue = ChildOf(
            spans, ChildOf(spans, ChildOf(spans, RequestSpan(spans), "chat turn"), "execute_tool search_web"), "enqueue search_web");
        var runs = spans.Where(span => span.Name == "run search_web").OrderBy(span => span.Start).ToArray();
        Assert.Equal(
            [("1", "requeued"), ("2", "dead_letter"), ("1", "completed")],
            runs.Select(run => (run.Tags["sendcat.tool_job.attempt"], run.Tags["sendcat.tool_job.outcome"])));
        Assert.All(
            runs.Concat(spans.Where(span => span.Name == "publish search_web")),
            span => Assert.Equal((enqueue.Trace, enqueue.Id), (span.Trace, span.Parent)));
        Assert.All(
            runs,
            run => Assert.Contains(
                spans,
                span => span.Parent == run.Id
                    && span.Kind == "client"
                    && span.Tags.GetValueOrDefault("url.full", "").EndsWith("/serper/search", StringComparison.Ordinal)));
    }

    private static async Task ReplayAsync(SendcatSystem sendcat)
    {
        using var operators = new HttpClient { BaseAddress = sendcat.Api.Address };
        operators.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", SendcatSystem.OpsKey);
        operators.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        using var response = await operators.PostAsJsonAsync("/api/ops/tool-jobs/dead-letters/requeue", new { tool = "search_web" });
        response.EnsureSuccessStatusCode();
    }

    private static ReceivedSpan RequestSpan(IReadOnlyList<ReceivedSpan> spans) => spans.Single(IsRequest);

    /// <summary>
    /// The server span of the chat request. It ends after the client has received the last event, and after all spans of the turn.
    /// </summary>
    private static bool IsRequest(ReceivedSpan span) =>
        span is { Kind: "server", Service: Api } && span.Tags.GetValueOrDefault("url.path") == "/api/chat";

    private static bool IsTurnSpan(ReceivedSpan span) => span.Name == "chat turn";

    private static ReceivedSpan ChildOf(IReadOnlyList<ReceivedSpan> spans, ReceivedSpan parent, string name) =>
        spans.Single(span => span.Parent == parent.Id && span.Name == name);
}
