using System.Text;
using Sendcat.Monitor.Chat;

namespace Sendcat.UnitTests.Monitor;

public sealed class TranscriptTests
{
    [Theory]
    [InlineData("sendcat")]
    [InlineData("ui")]
    public async Task Both_dialects_produce_the_same_transcript(string dialect)
    {
        var terminal = new PlainTerminal();
        var transcript = new Transcript(terminal.Console);

        await foreach (var turnEvent in ReadAsync(await GoldenAsync($"turn.{dialect}.sse"), dialect))
        {
            transcript.Show(turnEvent);
        }

        Assert.Equal(await GoldenAsync("turn.transcript.txt"), terminal.Text);
    }

    [Fact]
    public void With_ANSI_support_reasoning_is_dimmed_and_rows_are_a_table()
    {
        var terminal = new PlainTerminal(colours: true);
        var transcript = new Transcript(terminal.Console);
        var dialect = new SendcatTurnDialect();

        transcript.Show(new TurnEvent.Reasoning("hm"));
        transcript.Show(dialect.Read("""{"type":"tool-output-partially-available","toolCallId":"c","output":[{"title":"Kettle [new]","price":"$5","url":"https://shop.example/k"}]}""")!);

        Assert.Contains("\e[2mhm\e[0m", terminal.Text, StringComparison.Ordinal);
        Assert.Contains("Kettle [new]", terminal.Text, StringComparison.Ordinal);
        Assert.Contains("https://shop.example/k", terminal.Text, StringComparison.Ordinal);
        Assert.Contains("Price", terminal.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_transcript_counts_all_rows_and_shows_the_first_eight()
    {
        var terminal = new PlainTerminal();
        var rows = string.Join(',', Enumerable.Range(1, 46).Select(n => $$"""{"title":"Kettle {{n}}"}"""));

        new Transcript(terminal.Console).Show(
            new SendcatTurnDialect().Read($$"""{"type":"tool-output-partially-available","toolCallId":"c","output":[{{rows}}]}""")!);

        Assert.Contains(": 46 results", terminal.Text, StringComparison.Ordinal);
        Assert.EndsWith("  8. Kettle 8\n  … and 38 more\n", terminal.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "sendcat",
        "data: {\"type\":\"error\",\"error\":\"The model is busy\",\"code\":\"upstream_rate_limited\",\"retryAfterMs\":1500}\n\n")]
    [InlineData("ui", "data: {\"type\":\"data-error\",\"data\":{\"code\":\"upstream_rate_limited\",\"retryable\":true,\"retryAfterMs\":1500}}\n\ndata: {\"type\":\"error\",\"errorText\":\"The model is busy\"}\n\ndata: {\"type\":\"finish-step\"}\n\ndata: [DONE]\n\n")]
    public async Task An_error_is_printed_last_and_with_its_retry_delay(string dialect, string stream)
    {
        var terminal = new PlainTerminal();
        var transcript = new Transcript(terminal.Console);

        await foreach (var turnEvent in ReadAsync(stream, dialect))
        {
            transcript.Show(turnEvent);
        }

        Assert.Equal("✗ upstream_rate_limited: The model is busy (try again in 2 s)\n", terminal.Text);
    }

    [Fact]
    public async Task A_stream_without_an_end_event_is_a_failure()
    {
        var events = await ReadAsync("data: {\"type\":\"content\",\"content\":\"half\"}\n\n", "sendcat").ToListAsync();

        Assert.Equal("stream_ended", Assert.IsType<TurnEvent.Failed>(events[^1]).Code);
    }

    [Fact]
    public async Task A_stream_that_is_not_JSON_is_a_failure()
    {
        var events = await ReadAsync("data: {\"type\":\n\n", "sendcat").ToListAsync();

        Assert.Equal("stream_unreadable", Assert.IsType<TurnEvent.Failed>(Assert.Single(events)).Code);
    }

    private static IAsyncEnumerable<TurnEvent> ReadAsync(string stream, string dialect) =>
        TurnReader.ReadAsync(
            new MemoryStream(Encoding.UTF8.GetBytes(stream)), TurnDialect.Named(dialect), TestContext.Current.CancellationToken);

    private static Task<string> GoldenAsync(string name) => File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Monitor", name));
}
