using System.Net;
using Sendcat.IntegrationTests.Chat;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Turns that end while a tool runs: the job ends with them, unless somebody else waits for it.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ToolAbortTests(ToolSystemFixture fixture)
{
    private readonly SendcatSystem sendcat = fixture.System;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_on_any_replica_reaches_the_upstream_of_every_tool_that_runs(int replica)
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[replica]);
        var query = $"abort {replica} [[emu hang=before-headers]]";
        var thread = await guest.AskingAsync(
            $$"""[[emu call=1 tool=search_web id=call_1 args={{Arguments(query)}} tool=search_products id=call_2 args={{Arguments(query)}} tool=get_current_time id=call_3]] [[emu call=2 text="never"]]""");
        var before = sendcat.Model.Stats.Snapshot();
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        var start = await stream.UntilAsync("start");

        // All at once: the web's, eBay's and the other shops' are open at the same time.
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0 && stats.Of("serper", "shopping").Active > 0 && stats.Of("ebay", "search").Active > 0);

        using var answer = await there.AbortAsync(thread, start.Text("messageId")!, start.Text("streamId"));

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper").Aborted >= before.Of("serper").Aborted + 2 && stats.Of("ebay", "search").Aborted > before.Of("ebay", "search").Aborted);
        await stream.ToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        var messages = await guest.MessagesAsync(thread);
        Assert.Equal("aborted", messages[1].Text("status"));
        Assert.Equal(["call_3", "call_1", "call_2"], messages.Where(message => message.Text("role") == "tool").Select(message => message.Text("toolCallId")));
        Assert.Contains("Jamaica time", messages[2].Text("content"), StringComparison.Ordinal);
        Assert.All(messages.Skip(3), message => Assert.Contains("interrupted", message.Text("content"), StringComparison.Ordinal));
        Assert.Equal("cancelled,cancelled", await StatusesAsync($"abort {replica} %"));

        await guest.SayAsync(thread, """[[emu text="Still here."]]and now?""");
        await using var next = await guest.ChatAsync(thread);
        await next.ToEndAsync();
        Assert.Equal("Still here.", next.Text);
    }

    [Fact]
    public async Task A_client_that_leaves_and_does_not_come_back_takes_its_job_along()
    {
        using var guest = await sendcat.GuestAsync();
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        await LeaveInToolAsync(guest, "gone");

        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);
        await Eventually.TrueAsync(async () => await StatusesAsync("gone %") == "cancelled");
    }

    [Fact]
    public async Task A_turn_that_is_superseded_takes_its_job_along()
    {
        using var guest = await sendcat.GuestAsync();
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        var thread = await LeaveInToolAsync(guest, "superseded");

        await Eventually.TrueAsync(async () =>
        {
            // The server hears of the closed connection when the kernel tells it.
            await using var next = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=2 every=0]]"));
            await next.ToEndAsync();
            return next.Status == HttpStatusCode.OK;
        });

        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);
        await Eventually.TrueAsync(async () => (await guest.MessagesAsync(thread))[1].Text("status") == "aborted");
        Assert.Equal("cancelled", await StatusesAsync("superseded %"));
    }

    [Fact]
    public async Task A_host_that_stops_takes_the_jobs_of_its_turns_along()
    {
        var replica = await sendcat.AddProcessAsync(("CHAT_DRAIN_MS", "0"));
        using var guest = (await sendcat.GuestAsync()).At(replica);
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        var thread = await guest.AskingAsync(Asks("search_web", "stopping [[emu hang=before-headers]]"));
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await stream.UntilAsync("tool-input-available");
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        var stopping = replica.Process.StopAsync();
        await stream.ToEndAsync();
        await stopping;

        Assert.Equal("upstream_unavailable", stream.Seen[^1].Text("code"));
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);
        Assert.Equal("cancelled", await StatusesAsync("stopping %"));
        sendcat.Replicas.Remove(replica);
    }

    [Fact]
    public async Task A_job_that_somebody_else_waits_for_goes_on()
    {
        using var leaver = await sendcat.GuestAsync();
        using var stayer = (await sendcat.GuestAsync()).At(sendcat.Replicas[1]);
        var prompt = Asks("search_web", "both want [[emu headers=6s]]");
        var (first, second) = (await leaver.AskingAsync(prompt), await stayer.AskingAsync(prompt));
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "search");
        await using var leaving = await leaver.ChatAsync(first, webSearch: true);
        await using var staying = await stayer.ChatAsync(second, webSearch: true);
        var start = await leaving.UntilAsync("start");
        await Eventually.TrueAsync(async () => await sendcat.AskDatabaseAsync<int>("select waiters from reliability.tool_jobs where args like '%both want%'") == 2);

        using var answer = await leaver.AbortAsync(first, start.Text("messageId")!);
        await leaving.ToEndAsync();
        await staying.ToEndAsync();

        Assert.DoesNotContain("tool-output-partially-available", leaving.Types);
        Assert.Contains("tool-output-partially-available", staying.Types);
        Assert.Equal("done", staying.Types[^1]);
        var after = sendcat.Model.Stats.Snapshot().Of("serper", "search");
        Assert.Equal((before.Started + 1, before.Aborted), (after.Started, after.Aborted));
    }

    private async Task<string> LeaveInToolAsync(SendcatClient guest, string what)
    {
        var thread = await guest.AskingAsync(Asks("search_web", $"{what} [[emu hang=before-headers]]"));
        await using var left = await guest.ChatAsync(thread, webSearch: true);
        await left.UntilAsync("tool-input-available");
        await sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);
        return thread;
    }

    private Task<string?> StatusesAsync(string query) =>
        sendcat.AskDatabaseAsync<string>($"select string_agg(status, ',') from reliability.tool_jobs where args::json ->> 'query' like '{query}'");
}
