using System.Net.Http.Json;
using System.Text.Json;
using Sendcat.IntegrationTests.Chat;
using static Sendcat.IntegrationTests.ChatTools.ToolPrompts;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Turns with searches, from the user message to the upstreams and back, including upstreams that fail.</summary>
[Collection(nameof(ToolCollection))]
public sealed class ToolTurnTests(ToolSystemFixture fixture)
{
    private readonly SendcatSystem _sendcat = fixture.System;

    [Fact]
    public async Task A_shopping_question_streams_products_and_stores_them_with_the_message()
    {
        var turn = await _sendcat.TurnAsync("compare two rice cookers under 60 dollars", webSearch: false);

        var call = turn.Of("tool-input-available").Single();
        var products = turn.Of("tool-output-partially-available").Single().GetProperty("output");
        Assert.Equal(("search_products", 60), (call.Text("toolName"), call.GetProperty("input").GetProperty("maxPrice").GetInt32()));
        Assert.Contains("ebay", products.EnumerateArray().Select(product => product.Text("source")));
        Assert.Contains("global", products.EnumerateArray().Select(product => product.Text("source")));
        Assert.Equal("done", turn.Types[^1]);
        Assert.Equal(["user", "assistant", "tool", "assistant"], turn.Messages.Select(message => message.Text("role")));
        Assert.Equal(
            products.EnumerateArray().Select(product => product.Text("title")),
            turn.Messages[1].GetProperty("products").EnumerateArray().Select(product => product.Text("title")));
        Assert.Contains("eBay items", turn.ToolMessages.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repeated_search_is_served_from_the_cache_without_an_upstream_request()
    {
        const string Prompt = "compare two blenders under 80 dollars";
        var first = await _sendcat.TurnAsync(Prompt, webSearch: false);
        var (requests, jobs) = (Requests(), await JobsAsync());

        var second = await _sendcat.TurnAsync(Prompt, webSearch: false, replica: 1);

        Assert.Equal(Output(first), Output(second));
        Assert.Equal((requests, jobs), (Requests(), await JobsAsync()));

        static string Output(ToolTurn turn) => turn.Of("tool-output-partially-available").Single().GetProperty("output").GetRawText();
        (long, long) Requests() =>
            (_sendcat.Model.Stats.Snapshot().Of("serper").Started, _sendcat.Model.Stats.Snapshot().Of("ebay", "search").Started);
        Task<long> JobsAsync() => _sendcat.QueryScalarAsync<long>("select count(*) from reliability.tool_jobs");
    }

    [Fact]
    public async Task Web_results_are_streamed_and_the_model_receives_the_same_json()
    {
        var turn = await _sendcat.TurnAsync(CallTool("search_web", "customs duty on kettles"));

        var results = turn.Of("tool-output-partially-available").Single().GetProperty("output");
        Assert.InRange(results.GetArrayLength(), 1, 5);
        Assert.Equal(results.GetRawText(), JsonDocument.Parse(turn.ToolMessages.Single()).RootElement.GetRawText());
        Assert.False(turn.Messages[1].TryGetProperty("products", out _));
    }

    [Theory]
    [InlineData("search_web")]
    [InlineData("search_products")]
    [InlineData("search_global")]
    public async Task A_tool_may_be_called_twice_in_a_turn_and_then_the_model_must_answer(string tool)
    {
        var turn = await _sendcat.TurnAsync(
            $$"""[[emu tool={{tool}} args={{Arguments($"budget of {tool}")}} tool-rounds=forever]]again and again""");

        Assert.Equal("done", turn.Types[^1]);
        Assert.Equal(3, turn.Of("tool-input-available").Count());
        Assert.Equal(2, turn.Of("tool-output-partially-available").Count());
        Assert.Contains("limit for this tool is reached", turn.ToolMessages[^1], StringComparison.Ordinal);
        Assert.Equal(
            "none",
            _sendcat.Model.Requests.Last(
                request =>
                    request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).Body.GetProperty("tool_choice").GetString());
    }

    [Fact]
    public async Task Disabled_web_search_is_not_offered_and_a_call_of_it_returns_an_error_to_the_model()
    {
        var turn = await _sendcat.TurnAsync(CallTool("search_web", "anything"), webSearch: false);

        var offered = _sendcat.Model.Requests.Last(
            request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).Body.GetProperty("tools").EnumerateArray();
        Assert.DoesNotContain("search_web", offered.Select(tool => tool.GetProperty("function").Text("name")));
        Assert.Contains("search_products", offered.Select(tool => tool.GetProperty("function").Text("name")));
        Assert.Contains("switched off", turn.ToolMessages.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_calls_in_the_text_of_the_model_are_executed()
    {
        var turn = await _sendcat.TurnAsync(
            """[[emu call=1 tool=search_products args={"query":"toaster in markup"} markup=function-calls]] [[emu call=2 text="Done."]]""");

        Assert.NotEqual(0, turn.Messages[1].GetProperty("products").GetArrayLength());
        Assert.DoesNotContain(
            turn.Events, chatEvent => chatEvent.Text("content")?.Contains("function_calls", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_failed_source_gives_a_partial_result_that_names_it_and_is_not_cached()
    {
        var prompt = CallTool("search_products", "lamp [[emu at=ebay status=400]]");

        var turn = await _sendcat.TurnAsync(prompt);
        var requests = _sendcat.Model.Stats.Snapshot().Of("serper", "shopping").Started;
        await _sendcat.TurnAsync(prompt);

        Assert.All(turn.Messages[1].GetProperty("products").EnumerateArray(), product => Assert.Equal("global", product.Text("source")));
        Assert.Contains("eBay did not answer", turn.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.Equal(requests + 1, _sendcat.Model.Stats.Snapshot().Of("serper", "shopping").Started);
    }

    [Fact]
    public async Task A_hanging_upstream_request_times_out_and_is_retried()
    {
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "shopping");

        var turn = await _sendcat.TurnAsync(CallTool("search_global", "slow shops [[emu hang=before-headers times=1]]"));

        var after = _sendcat.Model.Stats.Snapshot().Of("serper", "shopping");
        Assert.Equal((before.Started + 2, before.Aborted + 1), (after.Started, after.Aborted));
        Assert.Single(turn.Of("tool-output-partially-available"));
        Assert.NotEqual(0, turn.Messages[1].GetProperty("products").GetArrayLength());
    }

    [Fact]
    public async Task A_refusal_of_an_upstream_is_reported_to_the_model_and_not_as_backpressure()
    {
        var turn = await _sendcat.TurnAsync(CallTool("search_web", "x [[emu status=403]]"));

        Assert.StartsWith("The web search failed: serper_search: HTTP 403", turn.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("tool-backpressure", turn.Types);
        Assert.Equal("done", turn.Types[^1]);
    }

    [Fact]
    public async Task A_job_that_fails_all_attempts_is_reported_as_a_dead_letter()
    {
        var turn = await _sendcat.TurnAsync(CallTool("search_web", "y [[emu status=503]]"));

        var backpressure = turn.Of("tool-backpressure").Single();
        Assert.Equal(
            ("search_web", "dead_letter", true, 1500),
            (backpressure.Text("toolName"), backpressure.Text("reason"), backpressure.GetProperty("retryable").GetBoolean(),
                backpressure.GetProperty("retryAfterMs").GetInt32()));
        Assert.StartsWith("The web search failed", turn.ToolMessages.Single(), StringComparison.Ordinal);
        Assert.Equal("done", turn.Types[^1]);
    }

    [Fact]
    public async Task Concurrent_identical_searches_send_one_upstream_request()
    {
        var before = _sendcat.Model.Stats.Snapshot().Of("serper", "search").Started;

        var turns = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(
                n => _sendcat.TurnAsync(CallTool("search_web", "shared question [[emu headers=1s]]"), replica: n % 2)));

        Assert.All(turns, turn => Assert.Single(turn.Of("tool-output-partially-available")));
        Assert.Equal(before + 1, _sendcat.Model.Stats.Snapshot().Of("serper", "search").Started);
    }

    [Fact]
    public async Task A_reader_that_resumes_on_another_replica_receives_the_tool_events_from_the_start()
    {
        using var guest = await _sendcat.GuestAsync();
        using var there = guest.At(_sendcat.Replicas[1]);
        var fans = Arguments("fan [[emu at=ebay headers=1s]]");
        var thread = await guest.NewThreadAsync(
            $"[[emu call=1 tool=search_products id=call_1 args={fans}]] [[emu call=2 chunks=40 every=100ms]]");
        var stream = await guest.ChatAsync(thread);
        await stream.ReadUntilAsync("tool-input-available");

        // The first reader leaves afterwards, because a turn without a reader is aborted after its grace time.
        await using var resumed = await there.ResumeAsync(thread);
        await stream.DisposeAsync();
        await resumed.StartedAsync();
        await resumed.ReadToEndAsync();

        Assert.Equal(
            [
                "start", "tool-input-start", "tool-input-available", "tool-output-partially-available", "tool-output-available", "start",
                "done",
            ],
            resumed.Types.Where(type => type is "start" or "done" || type.StartsWith("tool", StringComparison.Ordinal))
                .Where(type => type != "tool-input-delta"));
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 40)), resumed.Text.Trim());
    }

    [Fact]
    public async Task Keep_alive_comments_are_sent_while_a_tool_runs()
    {
        using var guest = await _sendcat.GuestAsync();
        var thread = await guest.NewThreadAsync(CallTool("search_web", "quiet [[emu hang=before-headers]]"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(new { threadId = thread, webSearch = true }),
        };
        using var response = await guest.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        var lines = new List<string>();
        while (!lines.Any(line => line.Contains("tool-input-available", StringComparison.Ordinal)) || !lines[^1].StartsWith(':'))
        {
            lines.Add(await reader.ReadLineAsync(timeout.Token) ?? throw new InvalidOperationException(string.Join('\n', lines)));
        }

        Assert.DoesNotContain(lines, line => line.Contains("tool-backpressure", StringComparison.Ordinal));
        using var stopped = await guest.AbortAsync(thread, JsonDocument.Parse(lines[0]["data: ".Length..]).RootElement.Text("messageId")!);
    }
}
