using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>Heartbeats, renewals, sweeps and polls run without a user and start no traces while they change nothing.</summary>
public sealed class IdleTraceTests(SharedStores stores)
{
    /// <summary>
    /// Several rounds of every loop whose period is in seconds. The absence of spans has no signal, so the test waits this time.
    /// </summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Background_work_starts_a_trace_only_for_a_round_that_changed_something()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 2, workers: 1, receiver.Knobs);

        await receiver.WaitForAsync(spans => spans.Any(span => span.Name == "fetch ebay categories"));
        await Task.Delay(Idle, TimeProvider.System, TestContext.Current.CancellationToken);

        var roots = receiver.Received.Where(span => span.Parent.Length == 0).ToArray();
        Assert.Equal(
            [("Sendcat.Background", "internal", "fetch ebay categories")],
            roots.Select(root => (root.Source, root.Kind, root.Name)).Distinct());

        // The category fetch is the only such round; all other spans belong to its trace.
        Assert.All(receiver.Received, span => Assert.Contains(roots, root => root.Trace == span.Trace));
    }
}
