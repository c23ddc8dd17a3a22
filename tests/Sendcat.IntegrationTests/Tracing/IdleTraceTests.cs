using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>Heartbeats, renewals, sweeps and watches go on without a user, and leave nothing among the traces.</summary>
public sealed class IdleTraceTests(SharedStores stores)
{
    /// <summary>Several rounds of every loop but those of minutes and hours, and the first fetch of eBay's categories, which does something.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Background_work_begins_no_trace_unless_it_did_something_and_then_one_with_a_name()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartProcessesWithToolsAsync(stores, replicas: 2, workers: 1, receiver.Knobs);

        await receiver.WaitForAsync(seen => seen.Any(span => span.Name == "fetch ebay categories"));
        await Task.Delay(Idle, TimeProvider.System, TestContext.Current.CancellationToken);

        var roots = receiver.Received.Where(span => span.Parent.Length == 0).ToArray();
        Assert.Equal([("Sendcat.Background", "internal", "fetch ebay categories")], roots.Select(root => (root.Source, root.Kind, root.Name)).Distinct());

        // Whatever else there is belongs to that one.
        Assert.All(receiver.Received, span => Assert.Contains(roots, root => root.Trace == span.Trace));
    }
}
