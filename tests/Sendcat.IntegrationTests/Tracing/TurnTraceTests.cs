using Sendcat.IntegrationTests.Chat;
using Sendcat.IntegrationTests.ChatTools;
using Sendcat.TestKit.Stores;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>What a developer sees of one turn among the traces.</summary>
public sealed class TurnTraceTests(SharedStores stores)
{
    [Fact]
    public async Task A_turn_with_a_product_search_is_one_trace_in_which_every_span_says_what_it_does()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 1, workers: 1, [("TOOL_JOB_WAIT_MS", "60000"), .. receiver.Knobs]);

        await sendcat.TurnAsync(Asks("search_products", "traced toaster"));
        var spans = await receiver.WaitForAsync(seen => seen.Any(IsRequest) && seen.Any(span => span.Name == "chat turn") && seen.Any(span => span.Name == "run search_products"));

        var trace = spans.Single(IsRequest).Trace;
        var paths = Paths([.. spans.Where(span => span.Trace == trace)]);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', paths));
        Assert.Equal(Expected, paths);
    }

    private static readonly string[] Expected = [];

    private static bool IsRequest(ReceivedSpan span) => span is { Kind: "server", Name: "POST /api/chat" };

    /// <summary>Every way from the root to a span, by names, each once.</summary>
    private static string[] Paths(IReadOnlyList<ReceivedSpan> trace)
    {
        var byId = trace.ToDictionary(span => span.Id, StringComparer.Ordinal);
        return [.. trace.Select(Path).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        string Path(ReceivedSpan span) => span.Parent.Length == 0 ? span.Name : byId.TryGetValue(span.Parent, out var parent) ? $"{Path(parent)} > {span.Name}" : $"? > {span.Name}";
    }
}
