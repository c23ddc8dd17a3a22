using System.Text;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

/// <summary>Statistics of the emulator, above all of aborted streams.</summary>
public sealed class AbortTests
{
    [Theory]
    [InlineData(false, "hang=before-headers", "before-headers")]
    [InlineData(false, "hang=before-first", "before-first")]
    [InlineData(false, "chunks=4 hang=mid every=0", "mid")]
    [InlineData(false, "chunks=1000 every=10ms", "mid")]
    [InlineData(true, "hang=before-headers", "before-headers")]
    [InlineData(true, "hang=before-first", "before-first")]
    [InlineData(true, "chunks=4 hang=mid every=0", "mid")]
    [InlineData(true, "chunks=1000 every=10ms", "mid")]
    public async Task A_client_disconnect_is_detected_in_every_phase(bool h2c, string markers, string phase)
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator, h2c);
        using var disconnect = new CancellationTokenSource();

        var seen = new TaskCompletionSource();
        var streaming = ReadUntilCancelledAsync(
            client, $"[[emu {markers}]]", phase == "mid" ? "data:" : ": OPENROUTER", seen, disconnect.Token);
        await (phase == "before-headers"
            ? emulator.Stats.WaitForAsync(s => s.Totals.Active == 1, TestContext.Current.CancellationToken)
            : seen.Task);

        await disconnect.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => streaming);

        var stats = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);
        Assert.Equal(1, stats.Totals.Aborted);
        Assert.Equal(phase, Assert.Single(stats.RecentAborts).Phase);
    }

    [Fact]
    public async Task Many_concurrent_aborts_leave_no_active_stream()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator, h2c: true);
        using var disconnect = new CancellationTokenSource();

        var streaming = Enumerable.Range(0, 200).Select(
            _ => ReadUntilCancelledAsync(client, "[[emu chunks=1000 every=20ms]]", "data:", new(), disconnect.Token)).ToList();
        await emulator.Stats.WaitForAsync(s => s.Totals.Active == 200, TestContext.Current.CancellationToken);
        await disconnect.CancelAsync();

        var stats = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);
        Assert.Equal(200, stats.Totals.Aborted);
        Assert.NotNull(stats.LastAbortNoticedAt);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(streaming));
    }

    [Fact]
    public async Task A_reset_zeroes_the_counters_and_keeps_active_streams()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator);
        using var disconnect = new CancellationTokenSource();
        await client.StreamAsync("[[emu chunks=1]]");
        var streaming = ReadUntilCancelledAsync(client, "[[emu hang=before-headers]]", "data:", new(), disconnect.Token);
        await emulator.Stats.WaitForAsync(s => s.Totals.Active == 1, TestContext.Current.CancellationToken);

        using var reset = await client.Http.PostAsync("stats/reset", null);
        var after = emulator.Stats.Snapshot().Totals;
        await disconnect.CancelAsync();
        var ended = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);

        Assert.Equal((0L, 0L, 1L), (after.Started, after.Completed, after.Active));
        Assert.Equal(1, ended.Totals.Aborted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => streaming);
    }

    [Fact]
    public async Task Statistics_are_available_as_JSON_and_HTML_and_can_be_waited_for()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator);
        await client.StreamAsync("[[emu chunks=1]]");

        var waited = await client.Http.GetStringAsync("stats/wait?completed=1&active=0&timeoutMs=5000");
        using var request = new HttpRequestMessage(HttpMethod.Get, "stats") { Headers = { { "Accept", "text/html" } } };
        using var page = await client.Http.SendAsync(request);

        Assert.Contains("\"completed\":1", waited, StringComparison.Ordinal);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains("test/model", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task ReadUntilCancelledAsync(
        EmulatorClient client, string prompt, string expected, TaskCompletionSource seen, CancellationToken cancellationToken)
    {
        using var response = await client.SendAsync(prompt, cancellationToken: cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        var text = new StringBuilder();
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (text.Append(Encoding.UTF8.GetString(buffer, 0, read)).ToString().Contains(expected, StringComparison.Ordinal))
            {
                seen.TrySetResult();
            }
        }
    }
}
