using System.Text;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.UpstreamEmulator;

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
    public async Task A_peer_that_goes_away_is_noticed_in_every_phase(bool h2c, string markers, string phase)
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator, h2c);
        using var leaving = new CancellationTokenSource();

        var seen = new TaskCompletionSource();
        var asking = AskUntilCancelledAsync(client, $"[[emu {markers}]]", phase == "mid" ? "data:" : ": OPENROUTER", seen, leaving.Token);
        await (phase == "before-headers" ? emulator.Stats.WaitForAsync(s => s.Totals.Active == 1, TestContext.Current.CancellationToken) : seen.Task);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        var stats = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);
        Assert.Equal(1, stats.Totals.Aborted);
        Assert.Equal(phase, Assert.Single(stats.RecentAborts).Phase);
    }

    [Fact]
    public async Task Many_aborts_at_once_leave_nothing_active()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator, h2c: true);
        using var leaving = new CancellationTokenSource();

        var asking = Enumerable.Range(0, 200).Select(_ => AskUntilCancelledAsync(client, "[[emu chunks=1000 every=20ms]]", "data:", new(), leaving.Token)).ToList();
        await emulator.Stats.WaitForAsync(s => s.Totals.Active == 200, TestContext.Current.CancellationToken);
        await leaving.CancelAsync();

        var stats = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);
        Assert.Equal(200, stats.Totals.Aborted);
        Assert.NotNull(stats.LastAbortNoticedAt);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(asking));
    }

    [Fact]
    public async Task Counters_start_at_zero_after_a_reset_and_active_streams_stay_active()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator);
        using var leaving = new CancellationTokenSource();
        await client.AskAsync("[[emu chunks=1]]");
        var asking = AskUntilCancelledAsync(client, "[[emu hang=before-headers]]", "data:", new(), leaving.Token);
        await emulator.Stats.WaitForAsync(s => s.Totals.Active == 1, TestContext.Current.CancellationToken);

        using var reset = await client.Http.PostAsync("stats/reset", null);
        var after = emulator.Stats.Snapshot().Totals;
        await leaving.CancelAsync();
        var ended = await emulator.Stats.WaitForAsync(s => s.Totals.Active == 0, TestContext.Current.CancellationToken);

        Assert.Equal((0L, 0L, 1L), (after.Started, after.Completed, after.Active));
        Assert.Equal(1, ended.Totals.Aborted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public async Task Statistics_are_JSON_for_programs_and_a_page_for_people_and_can_be_waited_for()
    {
        await using var emulator = await UpstreamEmulatorHost.StartAsync();
        using var client = new EmulatorClient(emulator);
        await client.AskAsync("[[emu chunks=1]]");

        var waited = await client.Http.GetStringAsync("stats/wait?completed=1&active=0&timeoutMs=5000");
        using var request = new HttpRequestMessage(HttpMethod.Get, "stats") { Headers = { { "Accept", "text/html" } } };
        using var page = await client.Http.SendAsync(request);

        Assert.Contains("\"completed\":1", waited, StringComparison.Ordinal);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains("test/model", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static async Task AskUntilCancelledAsync(EmulatorClient client, string prompt, string sign, TaskCompletionSource seen, CancellationToken cancellationToken)
    {
        using var response = await client.SendAsync(prompt, cancellationToken: cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        var text = new StringBuilder();
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (text.Append(Encoding.UTF8.GetString(buffer, 0, read)).ToString().Contains(sign, StringComparison.Ordinal))
            {
                seen.TrySetResult();
            }
        }
    }
}
