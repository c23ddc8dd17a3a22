using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>Heartbeats, renewals, sweeps and watches go on without a user, and leave nothing among the traces.</summary>
public sealed class IdleTraceTests(SharedStores stores)
{
    /// <summary>Several rounds of every loop but the ones of minutes and hours, and the first fetch of eBay's categories, which is a named span.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Background_work_that_found_nothing_to_do_makes_no_spans()
    {
        await using var receiver = await SpanReceiver.StartAsync();
        await using var sendcat = await SendcatSystem.StartWithToolsAsync(stores, replicas: 2, workers: 1, receiver.Knobs);

        await Task.Delay(Idle, TimeProvider.System, TestContext.Current.CancellationToken);
        var spans = receiver.Received;

        Assert.All(spans.Where(span => span.Parent.Length == 0), span => Assert.Equal(("Sendcat.Background", "internal"), (span.Source, span.Kind)));
        Assert.Equal(["fetch ebay categories", "migrate schema"], spans.Where(span => span.Parent.Length == 0).Select(span => span.Name).Distinct().Order());
        Assert.All(spans, span => Assert.DoesNotContain(span.Source, (string[])["Npgsql", "Sendcat.Redis"]));
    }
}
