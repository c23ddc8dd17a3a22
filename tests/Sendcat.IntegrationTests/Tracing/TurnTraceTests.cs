using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>The spans of one turn and their tags.</summary>
public sealed class TurnTraceTests(SharedStores stores)
{
    private const string Request = "POST /api/chat";
    private const string Turn = $"{Request} > chat turn";
    private const string Journal = $"{Turn} > commit turn journal";
    private const string Model = $"{Turn} > chat openai/gpt-5";
    private const string Tool = $"{Turn} > execute_tool search_products";
    private const string Job = $"{Tool} > enqueue search_products";
    private const string Run = $"{Job} > run search_products";

    /// <summary>Every expected span, as the names from the request span down to it.</summary>
    private static readonly string[] Expected =
    [
        Request,
        $"{Request} > admit",
        $"{Request} > admit > claim limits",
        $"{Request} > read thread, read thread messages",
        $"{Request} > register turn",
        Turn,
        Journal,
        Model,
        $"{Model} > POST 127.0.0.1/openrouter/api/v1/chat/completions",
        Tool,
        $"{Tool} > read tool cache",
        Job,
        $"{Job} > commit entered jobs",
        $"{Job} > commit entered jobs > lock lanes, enter tool jobs",
        $"{Job} > publish search_products",
        $"{Job} > publish search_products > publish sendcat.tools.search_products.v1",
        $"{Job} > publish search_products > publish sendcat.tools.search_products.v1 > deliver sendcat.tools.search_products.v1",
        $"{Job} > claim tool jobs",
        Run,
        $"{Run} > read tool cache",
        $"{Run} > claim limits",
        $"{Run} > POST 127.0.0.1/ebay/identity/v1/oauth2/token",
        $"{Run} > GET 127.0.0.1/ebay/buy/browse/v1/item_summary/search",
        $"{Run} > POST 127.0.0.1/serper/shopping",
        $"{Run} > release leases",
        $"{Run} > write tool cache",
        $"{Run} > commit completed jobs",
        $"{Run} > commit completed jobs > complete tool jobs",
        $"{Run} > commit completed jobs > signal finished jobs",
        $"{Tool} > wait for search_products",
        $"{Tool} > wait for search_products > read finished jobs",
        $"{Tool} > wait for search_products > read finished jobs > read finished tool jobs",
        $"{Turn} > unregister turn",
        $"{Turn} > release leases",
        $"{Turn} > settle rate limits",
    ];

    /// <summary>
    /// Spans that may be missing: the eBay token may be cached, and the poll of the waiters may read the result before the signal does.
    /// </summary>
    private static readonly string[] Optional =
    [
        $"{Run} > POST 127.0.0.1/ebay/identity/v1/oauth2/token",
        $"{Tool} > wait for search_products > read finished jobs",
        $"{Tool} > wait for search_products > read finished jobs > read finished tool jobs",
    ];

    private static readonly string[] JournalStatements =
    [
        "insert messages", "update messages", "insert message parts", "delete message parts", "open stream sessions",
        "update stream sessions", "check stream sessions", "touch threads", "title threads", "use generic plans", "insert turn costs",
    ];

    [Fact]
    public async Task A_turn_with_a_product_search_is_one_trace_with_the_expected_spans()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), .. receiver.Knobs]);

        await sendcat.TurnAsync(CallTool("search_products", "traced toaster"));
        var spans = await receiver.WaitForAsync(IsComplete);

        var request = spans.Single(IsRequest);
        // Opening a connection is also a span.
        var paths = Paths(
            [.. spans.Where(span => span.Trace == request.Trace && !span.Name.StartsWith("CONNECT ", StringComparison.Ordinal))]);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', paths));
        Assert.Equal(
            Expected.Except(Optional).Order(StringComparer.Ordinal), paths.Where(path => !IsJournalStatement(path)).Except(Optional));

        // A commit writes what changed since the last one, so its statements vary.
        Assert.Contains(paths, IsJournalStatement);
        Assert.All(
            paths.Where(IsJournalStatement).SelectMany(path => path[$"{Journal} > ".Length..].Split(", ")),
            name => Assert.Contains(name, JournalStatements));

        static bool IsJournalStatement(string path) => path.StartsWith($"{Journal} > ", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_spans_of_a_turn_have_its_thread_stream_and_message_ids_and_no_content()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, 1, receiver.Knobs);
        using var guest = await sendcat.GuestAsync();

        var thread = await guest.NewThreadAsync("hello");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ReadToEndAsync();
        var start = stream.Events[0];
        var spans = await receiver.WaitForAsync(seen => seen.Any(IsRequest) && seen.Any(span => span.Name == "chat turn"));

        var ids = (thread, start.Text("streamId"), start.Text("messageId"));
        Assert.Equal(ids, Ids(spans.Single(IsRequest)));
        var turn = spans.Single(span => span.Name == "chat turn");
        Assert.Equal(ids, Ids(turn));
        Assert.Equal((thread, "completed"), (turn.Tags["gen_ai.conversation.id"], turn.Tags["sendcat.turn.status"]));
        var call = spans.Single(span => span.Source == "Sendcat.GenAI");
        Assert.Equal(ids, (call.Tags["gen_ai.conversation.id"], call.Tags["sendcat.stream.id"], call.Tags["sendcat.message.id"]));

        // No tag contains the session or the text of the message.
        var values = spans.SelectMany(span => span.Tags.Values).ToArray();
        Assert.DoesNotContain(
            values,
            value =>
                value.Contains(guest.SessionId, StringComparison.Ordinal) || value.Contains("hello", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Message_content_is_in_the_trace_when_its_capture_is_enabled()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1,
            [("TOOL_JOB_WAIT_MS", "60000"), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"), .. receiver.Knobs]);

        await sendcat.TurnAsync(CallTool("search_products", "captured kettle"));
        var spans = await receiver.WaitForAsync(IsComplete);

        var calls = spans.Where(span => span.Source == "Sendcat.GenAI").OrderBy(span => span.Start).ToArray();
        Assert.Equal(2, calls.Length);
        Assert.All(calls, call => Assert.All(
            (string[])["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"],
            attribute => Assert.StartsWith("[{", call.Tags[attribute], StringComparison.Ordinal)));
        Assert.Contains("tool_call_response", calls[1].Tags["gen_ai.input.messages"], StringComparison.Ordinal);
        var tool = spans.Single(span => span.Name == "execute_tool search_products");
        Assert.Contains("captured kettle", tool.Tags["gen_ai.tool.call.arguments"], StringComparison.Ordinal);
        Assert.NotEmpty(tool.Tags["gen_ai.tool.call.result"]);
    }

    private static bool IsRequest(ReceivedSpan span) => span is { Kind: "server", Name: Request };

    private static bool IsComplete(IReadOnlyList<ReceivedSpan> seen) =>
        seen.Any(IsRequest) && seen.Any(span => span.Name == "chat turn") && seen.Any(span => span.Name == "run search_products")
        && seen.Any(span => span.Name == "publish search_products");

    private static (string, string?, string?) Ids(ReceivedSpan span) =>
        (span.Tags["sendcat.thread.id"], span.Tags["sendcat.stream.id"], span.Tags["sendcat.message.id"]);

    /// <summary>
    /// The names from the root down to every span, each path once. A span without a received parent starts with <c>?</c>.
    /// </summary>
    private static string[] Paths(IReadOnlyList<ReceivedSpan> trace)
    {
        var byId = trace.ToDictionary(span => span.Id, StringComparer.Ordinal);
        return [.. trace.Select(Path).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        string Path(ReceivedSpan span) => span.Parent.Length == 0
            ? span.Name
            : byId.TryGetValue(span.Parent, out var parent) ? $"{Path(parent)} > {span.Name}" : $"? > {span.Name}";
    }
}
