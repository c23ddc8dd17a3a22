using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using static Sendcat.IntegrationTests.ChatTools.ToolStories;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Turns that search, from the question to the upstreams and back, with nothing broken.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ToolTurnTests(ToolSystemFixture fixture)
{
    private readonly SendcatSystem sendcat = fixture.System;

    [Fact]
    public async Task A_question_about_things_to_buy_shows_products_and_keeps_them_on_the_message()
    {
        var turn = await sendcat.TurnAsync("compare two rice cookers under 60 dollars", webSearch: false);

        var call = turn.Of("tool-input-available").Single();
        var shown = turn.Of("tool-output-partially-available").Single().GetProperty("output");
        Assert.Equal(("search_products", 60), (call.Text("toolName"), call.GetProperty("input").GetProperty("maxPrice").GetInt32()));
        Assert.Contains("ebay", shown.EnumerateArray().Select(product => product.Text("source")));
        Assert.Contains("global", shown.EnumerateArray().Select(product => product.Text("source")));
        Assert.Equal("done", turn.Types[^1]);
        Assert.Equal(["user", "assistant", "tool", "assistant"], turn.Messages.Select(message => message.Text("role")));
        Assert.Equal(shown.EnumerateArray().Select(product => product.Text("title")), turn.Messages[1].GetProperty("products").EnumerateArray().Select(product => product.Text("title")));
        Assert.Contains("eBay items", turn.ToolAnswers.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_question_again_is_answered_from_the_cache_and_no_upstream_is_asked()
    {
        const string Prompt = "compare two blenders under 80 dollars";
        var first = await sendcat.TurnAsync(Prompt, webSearch: false);
        var (asked, jobs) = (Asked(), await JobsAsync());

        var second = await sendcat.TurnAsync(Prompt, webSearch: false, replica: 1);

        Assert.Equal(Shown(first), Shown(second));
        Assert.Equal((asked, jobs), (Asked(), await JobsAsync()));

        static string Shown(ToolTurn turn) => turn.Of("tool-output-partially-available").Single().GetProperty("output").GetRawText();
        (long, long) Asked() => (sendcat.Model.Stats.Snapshot().Of("serper").Started, sendcat.Model.Stats.Snapshot().Of("ebay", "search").Started);
        Task<long> JobsAsync() => sendcat.AskDatabaseAsync<long>("select count(*) from reliability.tool_jobs");
    }

    [Fact]
    public async Task Finds_of_the_web_are_shown_and_their_json_is_what_the_model_reads()
    {
        var turn = await sendcat.TurnAsync(Asks("search_web", "customs duty on kettles"));

        var shown = turn.Of("tool-output-partially-available").Single().GetProperty("output");
        Assert.InRange(shown.GetArrayLength(), 1, 5);
        Assert.Equal(shown.GetRawText(), JsonDocument.Parse(turn.ToolAnswers.Single()).RootElement.GetRawText());
        Assert.False(turn.Messages[1].TryGetProperty("products", out _));
    }

    [Theory]
    [InlineData("search_web")]
    [InlineData("search_products")]
    [InlineData("search_global")]
    public async Task A_tool_may_be_used_twice_in_a_turn_and_then_the_model_has_to_answer(string tool)
    {
        var turn = await sendcat.TurnAsync($$"""[[emu tool={{tool}} args={{Arguments($"budget of {tool}")}} tool-rounds=forever]]again and again""");

        Assert.Equal("done", turn.Types[^1]);
        Assert.Equal(3, turn.Of("tool-input-available").Count());
        Assert.Equal(2, turn.Of("tool-output-partially-available").Count());
        Assert.Contains("limit for this tool is reached", turn.ToolAnswers[^1], StringComparison.Ordinal);
        Assert.Equal("none", sendcat.Model.Requests.Last(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).Body.GetProperty("tool_choice").GetString());
    }

    [Fact]
    public async Task Web_search_that_is_off_is_not_offered_and_a_model_that_insists_is_told()
    {
        var turn = await sendcat.TurnAsync(Asks("search_web", "anything"), webSearch: false);

        var offered = sendcat.Model.Requests.Last(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).Body.GetProperty("tools").EnumerateArray();
        Assert.Equal(["get_current_time", "search_products"], offered.Select(tool => tool.GetProperty("function").Text("name")));
        Assert.Contains("switched off", turn.ToolAnswers.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_that_a_model_writes_into_its_text_are_run_like_any_other()
    {
        var turn = await sendcat.TurnAsync("""[[emu call=1 tool=search_products args={"query":"toaster in markup"} markup=function-calls]] [[emu call=2 text="Done."]]""");

        Assert.NotEqual(0, turn.Messages[1].GetProperty("products").GetArrayLength());
        Assert.DoesNotContain(turn.Events, happened => happened.Text("content")?.Contains("function_calls", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task One_source_that_fails_makes_a_partial_result_that_says_so_and_is_not_kept()
    {
        var prompt = Asks("search_products", "lamp [[emu at=ebay status=400]]");

        var turn = await sendcat.TurnAsync(prompt);
        var asked = sendcat.Model.Stats.Snapshot().Of("serper", "shopping").Started;
        await sendcat.TurnAsync(prompt);

        Assert.All(turn.Messages[1].GetProperty("products").EnumerateArray(), product => Assert.Equal("global", product.Text("source")));
        Assert.Contains("eBay did not answer", turn.ToolAnswers.Single(), StringComparison.Ordinal);
        Assert.Equal(asked + 1, sendcat.Model.Stats.Snapshot().Of("serper", "shopping").Started);
    }

    [Fact]
    public async Task An_upstream_that_hangs_is_given_up_and_asked_again()
    {
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "shopping");

        var turn = await sendcat.TurnAsync(Asks("search_global", "slow shops [[emu hang=before-headers times=1]]"));

        var after = sendcat.Model.Stats.Snapshot().Of("serper", "shopping");
        Assert.Equal((before.Started + 2, before.Aborted + 1), (after.Started, after.Aborted));
        Assert.Single(turn.Of("tool-output-partially-available"));
        Assert.NotEqual(0, turn.Messages[1].GetProperty("products").GetArrayLength());
    }

    [Fact]
    public async Task An_upstream_that_refuses_is_told_to_the_model_and_not_blamed_on_the_queue()
    {
        var turn = await sendcat.TurnAsync(Asks("search_web", "x [[emu status=403]]"));

        Assert.StartsWith("The web search failed: serper_search: HTTP 403", turn.ToolAnswers.Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("tool-backpressure", turn.Types);
        Assert.Equal("done", turn.Types[^1]);
    }

    [Fact]
    public async Task A_job_that_never_succeeds_is_told_as_a_dead_letter()
    {
        var turn = await sendcat.TurnAsync(Asks("search_web", "y [[emu status=503]]"));

        var pressure = turn.Of("tool-backpressure").Single();
        Assert.Equal(("search_web", "dead_letter", true, 1500), (pressure.Text("toolName"), pressure.Text("reason"), pressure.GetProperty("retryable").GetBoolean(), pressure.GetProperty("retryAfterMs").GetInt32()));
        Assert.StartsWith("The web search failed", turn.ToolAnswers.Single(), StringComparison.Ordinal);
        Assert.Equal("done", turn.Types[^1]);
    }

    [Fact]
    public async Task Questions_that_are_asked_together_are_asked_of_the_upstream_once()
    {
        var before = sendcat.Model.Stats.Snapshot().Of("serper", "search").Started;

        var turns = await Task.WhenAll(Enumerable.Range(0, 4).Select(n => sendcat.TurnAsync(Asks("search_web", "shared question [[emu headers=1s]]"), replica: n % 2)));

        Assert.All(turns, turn => Assert.Single(turn.Of("tool-output-partially-available")));
        Assert.Equal(before + 1, sendcat.Model.Stats.Snapshot().Of("serper", "search").Started);
    }

    [Fact]
    public async Task A_reader_that_comes_back_on_another_replica_sees_the_tools_from_the_start()
    {
        using var guest = await sendcat.GuestAsync();
        using var there = guest.At(sendcat.Replicas[1]);
        var thread = await guest.AskingAsync($$"""[[emu call=1 tool=search_products id=call_1 args={{Arguments("fan [[emu at=ebay headers=1s]]")}}]] [[emu call=2 chunks=40 every=25ms]]""");
        await using (var left = await guest.ChatAsync(thread))
        {
            await left.UntilAsync("tool-input-available");
        }

        await using var back = await there.ResumeAsync(thread);
        await back.ToEndAsync();

        Assert.Equal(["start", "tool-input-start", "tool-input-available", "tool-output-partially-available", "start", "done"], back.Types.Where(type => type is "start" or "done" || type.StartsWith("tool", StringComparison.Ordinal)).Where(type => type != "tool-input-delta"));
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 40)), back.Text.Trim());
    }

    [Fact]
    public async Task Silence_while_a_tool_runs_is_filled_with_comments()
    {
        using var guest = await sendcat.GuestAsync();
        var thread = await guest.AskingAsync(Asks("search_web", "quiet [[emu hang=before-headers]]"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat") { Content = JsonContent.Create(new { threadId = thread, webSearch = true }) };
        using var answer = await guest.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        var lines = new List<string>();
        while (!lines.Any(line => line.Contains("tool-input-available", StringComparison.Ordinal)) || !lines[^1].StartsWith(':'))
        {
            lines.Add(await reader.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException(string.Join('\n', lines)));
        }

        Assert.DoesNotContain(lines, line => line.Contains("tool-backpressure", StringComparison.Ordinal));
        using var stopped = await guest.AbortAsync(thread, JsonDocument.Parse(lines[0]["data: ".Length..]).RootElement.Text("messageId")!);
    }
}
