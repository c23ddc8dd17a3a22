using Sendcat.ApiService.Providers;
using static Sendcat.UnitTests.Providers.ProviderResponses;
using static Sendcat.UnitTests.Providers.ScriptedProvider;

namespace Sendcat.UnitTests.Providers;

/// <summary>Streams of a provider that pause, break off, or continue after their finish reason.</summary>
public sealed class ProviderStreamTests : IDisposable
{
    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    /// <summary>A provider that sets a finish reason in the middle of its response, and then pauses longer than after a real end.</summary>
    public static TheoryData<string, string, string> EarlyFinishReasons => new()
    {
        { Text("1 ") + Finish("stop") + Text("2 ") + Finish("stop"), Text("3 ") + Finish("stop"), "1 2 3 " },
        { Text("1 ") + Finish("stop") + Text("2 "), Text("3 ") + Finish("stop"), "1 2 3 " },
        { WithFinish("1 "), WithFinish("2 "), "1 2 " },
        { WithFinish("1 ") + WithFinish("2 "), WithFinish("3 "), "1 2 3 " },
        {
            Finish("stop") + Tool(""" "id":"c1","function":{"name":"search_web","arguments":"{"} """),
            Tool(""" "function":{"arguments":"}"} """) + Finish("tool_calls"), "c1:search_web:{}"
        },
        { Finish("stop") + Delta("\"reasoning\":\"hm\""), Text("1 ") + Finish("stop"), "1 " },
    };

    [Theory]
    [MemberData(nameof(EarlyFinishReasons))]
    public async Task Content_after_a_finish_reason_is_awaited_as_long_as_other_content(
        string beforePause, string afterPause, string expected)
    {
        var body = _provider.Streams();
        await body.WriteAsync(beforePause);
        var run = _provider.RunAsync();

        _provider.Time.Advance(TimeSpan.FromSeconds(7));
        await body.WriteAsync(afterPause + Usage() + Done);
        await body.EndAsync();

        var (events, failure) = await run;
        var response = ParsedResponse.Of(events, failure);
        Assert.Null(failure);
        Assert.Equal((expected, 18L), (response.Text + response.Calls, response.Usage!.TotalTokens));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_response_that_breaks_off_after_content_behind_its_finish_reason_is_a_failure(bool stalls)
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("1 ") + Finish("stop") + Text("2 "));
        var run = _provider.RunAsync();

        if (stalls)
        {
            _provider.Time.Advance(TimeSpan.FromSeconds(60));
        }
        else
        {
            await body.EndAsync();
        }

        var (events, failure) = await run;
        Assert.Equal("1 2 ", ParsedResponse.Of(events, failure).Text);
        Assert.Equal(stalls ? "upstream_timeout" : "upstream_error", failure?.Error.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[]}}]}\n\n")]
    public async Task A_stream_without_an_end_after_its_finish_reason_succeeds_within_six_seconds(string trailer)
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("whole") + Finish("stop") + trailer);

        var run = _provider.RunAsync();
        _provider.Time.Advance(TimeSpan.FromSeconds(6));

        var (events, failure) = await run;

        Assert.Null(failure);
        Assert.Equal(("whole", "stop"), (ParsedResponse.Of(events, null).Text, ParsedResponse.Of(events, null).Finish));
    }

    [Fact]
    public async Task A_silent_stream_times_out_and_keeps_the_text_so_far()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("half"));

        var run = _provider.RunAsync();
        _provider.Time.Advance(TimeSpan.FromSeconds(46));
        var (events, failure) = await run;

        Assert.Equal(
            ("half", "upstream_timeout", 1000), (ParsedResponse.Of(events, null).Text, failure!.Error.Code, failure.Error.RetryAfterMs));
        await body.Closed;
    }

    [Fact]
    public async Task Every_token_resets_the_idle_timeout()
    {
        var body = _provider.Streams();
        await using var events = _provider.Router.StreamAsync(Request(), CancellationToken.None).GetAsyncEnumerator();
        await events.MoveNextAsync();
        for (var i = 0; i < 10; i++)
        {
            var next = events.MoveNextAsync();
            _provider.Time.Advance(TimeSpan.FromSeconds(40));
            await body.WriteAsync(Text("x"));
            Assert.True(await next);
        }
    }

    [Fact]
    public async Task An_active_call_ends_at_its_total_timeout()
    {
        _provider.Knobs.TotalTimeoutMs = 100_000;
        var body = _provider.Streams();
        await using var events = _provider.Router.StreamAsync(Request(), CancellationToken.None).GetAsyncEnumerator();
        await events.MoveNextAsync();
        for (var i = 0; i < 9; i++)
        {
            _provider.Time.Advance(TimeSpan.FromSeconds(10));
            await body.WriteAsync(Text("x"));
            Assert.True(await events.MoveNextAsync());
        }

        var next = events.MoveNextAsync();
        _provider.Time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal("upstream_timeout", (await Assert.ThrowsAsync<ProviderException>(async () => await next)).Error.Code);
    }

    [Fact]
    public async Task A_connection_reset_in_the_stream_is_a_failure_after_the_text_so_far()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("half"));
        await using var events = _provider.Router.StreamAsync(Request(), CancellationToken.None).GetAsyncEnumerator();
        await events.MoveNextAsync();
        await events.MoveNextAsync();
        Assert.Equal(new ProviderEvent.Text("half"), events.Current);

        await body.EndAsync(new IOException("reset"));

        Assert.Equal("upstream_error", (await Assert.ThrowsAsync<ProviderException>(async () => await events.MoveNextAsync())).Error.Code);
        Assert.Single(_provider.Requests);
    }

    [Fact]
    public async Task A_tool_call_in_the_text_stops_reading_and_closes_the_connection()
    {
        var body = _provider.Streams();
        await body.WriteAsync(Text("Let me look. ") + Text("[search_web: kettle]") + Text(" I found"));

        var (events, failure) = await _provider.RunAsync(Request("someone/unknown-model") with { WebSearch = true });

        Assert.Null(failure);
        await body.Closed;
        var response = ParsedResponse.Of(events, null);
        Assert.Equal(
            ("Let me look. ", "made-up:search_web:{\"query\":\"kettle\"}", "tool_calls"), (response.Text, response.Calls, response.Finish));
    }
}
