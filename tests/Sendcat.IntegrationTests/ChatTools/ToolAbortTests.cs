using System.Net;
using Sendcat.IntegrationTests.Chat;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Turns that end while a tool runs. Their job is cancelled unless another turn waits for it.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ToolAbortTests(ToolSystemFixture fixture)
{
    private readonly SendcatSystem _sendcat = fixture.System;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_abort_on_any_replica_aborts_the_upstream_requests_of_all_running_tools(int replica)
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[replica]);
        var query = $"abort {replica} [[emu hang=before-headers]]";
        var thread = await guest.NewThreadAsync(
            $$"""[[emu call=1 tool=search_web id=call_1 args={{Arguments(query)}} tool=search_products id=call_2 args={{Arguments(query)}} tool=get_current_time id=call_3]] [[emu call=2 text="never"]]""");
        var before = _sendcat.Model.Stats.Snapshot();
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        var start = await stream.ReadUntilAsync("start");

        // The tools run in parallel: the requests for web results, for eBay and for the other shops are open at the same time.
        await _sendcat.Model.Stats.WaitForAsync(stats =>
            stats.Of("serper", "search").Active > 0 && stats.Of("serper", "shopping").Active > 0 && stats.Of("ebay", "search").Active > 0);

        using var response = await there.AbortAsync(thread, start.Text("messageId")!, start.Text("streamId"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        await _sendcat.Model.Stats.WaitForAsync(stats =>
            stats.Of("serper").Aborted >= before.Of("serper").Aborted + 2
                && stats.Of("ebay", "search").Aborted > before.Of("ebay", "search").Aborted);
        await stream.ReadToEndAsync();
        Assert.DoesNotContain("done", stream.Types);
        var messages = await guest.MessagesAsync(thread);
        Assert.Equal("aborted", messages[1].Text("status"));
        Assert.Equal(
            ["call_3", "call_1", "call_2"],
            messages.Where(message => message.Text("role") == "tool").Select(message => message.Text("toolCallId")));
        Assert.Contains("Jamaica time", messages[2].Text("content"), StringComparison.Ordinal);
        Assert.All(messages.Skip(3), message => Assert.Contains("interrupted", message.Text("content"), StringComparison.Ordinal));
        Assert.Equal("cancelled,cancelled", await StatusesAsync($"abort {replica} %"));

        await guest.AddMessageAsync(thread, """[[emu text="Still here."]]and now?""");
        await using var next = await guest.ChatAsync(thread);
        await next.ReadToEndAsync();
        Assert.Equal("Still here.", next.Text);
    }

    [Fact]
    public async Task The_job_of_a_detached_turn_is_cancelled_after_the_grace_time()
    {
        using var guest = await _sendcat.GuestAsync();
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        await DetachInToolAsync(guest, "detached");

        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);

        // The status of a job is only in Postgres.
        await Eventually.TrueAsync(async () => await StatusesAsync("detached %") == "cancelled");
    }

    [Fact]
    public async Task The_job_of_a_superseded_turn_is_cancelled()
    {
        using var guest = await _sendcat.GuestAsync();
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        var thread = await DetachInToolAsync(guest, "superseded");

        // The server notices the closed connection with a delay, and no signal reports it.
        var nextThread = await guest.NewThreadAsync("[[emu chunks=2 every=0]]");
        await Eventually.TrueAsync(async () =>
        {
            await using var next = await guest.ChatAsync(nextThread);
            await next.ReadToEndAsync();
            return next.Status == HttpStatusCode.OK;
        });

        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);
        await Eventually.TrueAsync(
            async () => await guest.MessagesAsync(thread) is [_, var answer, ..] && answer.Text("status") == "aborted");
        Assert.Equal("cancelled", await StatusesAsync("superseded %"));
    }

    [Fact]
    public async Task A_stopping_replica_cancels_the_jobs_of_its_turns()
    {
        var replica = await _sendcat.AddProcessAsync(("CHAT_DRAIN_MS", "0"));
        using var guest = (await _sendcat.GuestAsync()).At(replica);
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "search").Aborted;
        var thread = await guest.NewThreadAsync(CallTool("search_web", "stopping [[emu hang=before-headers]]"));
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await stream.ReadUntilAsync("tool-input-available");
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);

        var stopping = replica.Process.StopAsync();
        await stream.ReadToEndAsync();
        await stopping;

        Assert.Equal("upstream_unavailable", stream.Events[^1].Text("code"));
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Aborted > before);
        Assert.Equal("cancelled", await StatusesAsync("stopping %"));
        _sendcat.Replicas.Remove(replica);
    }

    [Fact]
    public async Task A_job_that_another_turn_waits_for_continues()
    {
        using var leaver = await _sendcat.GuestAsync();
        using var stayer = (await _sendcat.GuestAsync()).At(_sendcat.Replicas[1]);
        var prompt = CallTool("search_web", "both want [[emu headers=6s]]");
        var (first, second) = (await leaver.NewThreadAsync(prompt), await stayer.NewThreadAsync(prompt));
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "search");
        await using var leaving = await leaver.ChatAsync(first, webSearch: true);
        await using var staying = await stayer.ChatAsync(second, webSearch: true);
        var start = await leaving.ReadUntilAsync("start");

        // No signal reports that both turns wait for the job.
        await Eventually.TrueAsync(
            async () =>
                await _sendcat.QueryScalarAsync<int>("select waiters from reliability.tool_jobs where args like '%both want%'") == 2);

        using var response = await leaver.AbortAsync(first, start.Text("messageId")!);
        await leaving.ReadToEndAsync();
        await staying.ReadToEndAsync();

        Assert.DoesNotContain("tool-output-partially-available", leaving.Types);
        Assert.Contains("tool-output-partially-available", staying.Types);
        Assert.Equal("done", staying.Types[^1]);
        var after = _sendcat.Model.Stats.Snapshot().Of("serper", "search");
        Assert.Equal((before.Started + 1, before.Aborted), (after.Started, after.Aborted));
    }

    /// <summary>Starts a turn and disconnects while its web search runs.</summary>
    /// <returns>The id of the thread.</returns>
    private async Task<string> DetachInToolAsync(SendcatClient guest, string query)
    {
        var thread = await guest.NewThreadAsync(CallTool("search_web", $"{query} [[emu hang=before-headers]]"));
        await using var stream = await guest.ChatAsync(thread, webSearch: true);
        await stream.ReadUntilAsync("tool-input-available");
        await _sendcat.Model.Stats.WaitForAsync(stats => stats.Of("serper", "search").Active > 0);
        return thread;
    }

    /// <summary>The statuses of the jobs, separated by commas.</summary>
    /// <param name="query">A pattern of SQL <c>LIKE</c> for the query of the job.</param>
    private Task<string?> StatusesAsync(string query) =>
        _sendcat.QueryScalarAsync<string>(
            $"select string_agg(status, ',') from reliability.tool_jobs where args::json ->> 'query' like '{query}'");
}
