using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>What a developer sees of one turn among the traces.</summary>
public sealed class TurnTraceTests(SharedStores stores)
{
    private const string Request = "POST /api/chat";
    private const string Turn = $"{Request} > chat turn";
    private const string Journal = $"{Turn} > commit turn journal";
    private const string Model = $"{Turn} > chat openai/gpt-5";
    private const string Tool = $"{Turn} > execute_tool search_products";
    private const string Job = $"{Tool} > enqueue search_products";
    private const string Run = $"{Job} > run search_products";

    /// <summary>Every way from the request to a span, by names.</summary>
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

    /// <summary>The token for eBay may be there already; a signal may come later than the look that every waiter takes from time to time.</summary>
    private static readonly string[] Optional =
    [
        $"{Run} > POST 127.0.0.1/ebay/identity/v1/oauth2/token",
        $"{Tool} > wait for search_products > read finished jobs",
        $"{Tool} > wait for search_products > read finished jobs > read finished tool jobs",
    ];

    [Fact]
    public async Task A_turn_with_a_product_search_is_one_trace_in_which_every_span_says_what_it_does()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), .. receiver.Knobs]);

        await sendcat.TurnAsync(Asks("search_products", "traced toaster"));
        var spans = await receiver.WaitForAsync(IsWhole);

        var request = spans.Single(IsRequest);
        // A connection that had to be opened is a span, too.
        var paths = Paths([.. spans.Where(span => span.Trace == request.Trace && !span.Name.StartsWith("CONNECT ", StringComparison.Ordinal))]);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', paths));
        Assert.Equal(Expected.Except(Optional).Order(StringComparer.Ordinal), paths.Where(path => !IsStatementOfTheJournal(path)).Except(Optional));

        // What changed since the last commit goes into the next, so the statements vary.
        Assert.Contains(paths, IsStatementOfTheJournal);
        Assert.All(
            paths.Where(IsStatementOfTheJournal).SelectMany(path => path[$"{Journal} > ".Length..].Split(", ")),
            name => Assert.Contains(name, (string[])["insert messages", "update messages", "open stream sessions", "update stream sessions", "touch threads", "use generic plans"]));

        static bool IsStatementOfTheJournal(string path) => path.StartsWith($"{Journal} > ", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_turn_is_found_by_its_thread_its_stream_and_its_message()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesAsync(stores, 1, receiver.Knobs);
        using var guest = await sendcat.GuestAsync();

        var thread = await guest.AskingAsync("hello");
        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();
        var start = stream.Seen[0];
        var spans = await receiver.WaitForAsync(seen => seen.Any(IsRequest) && seen.Any(span => span.Name == "chat turn"));

        var ids = (thread, start.Text("streamId"), start.Text("messageId"));
        Assert.Equal(ids, Ids(spans.Single(IsRequest)));
        var turn = spans.Single(span => span.Name == "chat turn");
        Assert.Equal(ids, Ids(turn));
        Assert.Equal((thread, "completed"), (turn.Tags["gen_ai.conversation.id"], turn.Tags["sendcat.turn.status"]));
        var call = spans.Single(span => span.Source == "Sendcat.GenAI");
        Assert.Equal(ids, (call.Tags["gen_ai.conversation.id"], call.Tags["sendcat.stream.id"], call.Tags["sendcat.message.id"]));

        // Whose it is, from where, and what was said is in none of them.
        var said = spans.SelectMany(span => span.Tags.Values).ToArray();
        Assert.DoesNotContain(said, value => value.Contains(guest.SessionId, StringComparison.Ordinal) || value.Contains("hello", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task What_was_said_is_in_the_trace_only_when_it_is_captured()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(
            stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true"), .. receiver.Knobs]);

        await sendcat.TurnAsync(Asks("search_products", "captured kettle"));
        var spans = await receiver.WaitForAsync(IsWhole);

        var calls = spans.Where(span => span.Source == "Sendcat.GenAI").OrderBy(span => span.Start).ToArray();
        Assert.Equal(2, calls.Length);
        Assert.All(calls, call => Assert.All(
            (string[])["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"], attribute => Assert.StartsWith("[{", call.Tags[attribute], StringComparison.Ordinal)));
        Assert.Contains("tool_call_response", calls[1].Tags["gen_ai.input.messages"], StringComparison.Ordinal);
        var tool = spans.Single(span => span.Name == "execute_tool search_products");
        Assert.Contains("captured kettle", tool.Tags["gen_ai.tool.call.arguments"], StringComparison.Ordinal);
        Assert.NotEmpty(tool.Tags["gen_ai.tool.call.result"]);
    }

    private static bool IsRequest(ReceivedSpan span) => span is { Kind: "server", Name: Request };

    private static bool IsWhole(IReadOnlyList<ReceivedSpan> seen) =>
        seen.Any(IsRequest) && seen.Any(span => span.Name == "chat turn") && seen.Any(span => span.Name == "run search_products") && seen.Any(span => span.Name == "publish search_products");

    private static (string, string?, string?) Ids(ReceivedSpan span) => (span.Tags["sendcat.thread.id"], span.Tags["sendcat.stream.id"], span.Tags["sendcat.message.id"]);

    private static string[] Paths(IReadOnlyList<ReceivedSpan> trace)
    {
        var byId = trace.ToDictionary(span => span.Id, StringComparer.Ordinal);
        return [.. trace.Select(Path).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        string Path(ReceivedSpan span) => span.Parent.Length == 0 ? span.Name : byId.TryGetValue(span.Parent, out var parent) ? $"{Path(parent)} > {span.Name}" : $"? > {span.Name}";
    }
}
