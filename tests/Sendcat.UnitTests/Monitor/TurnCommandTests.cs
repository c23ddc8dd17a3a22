using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat turn</c> and <c>timeline</c> against a stub of the API.</summary>
public sealed class TurnCommandTests
{
    private const string Row =
        """{"id":"018f0000-0000-7000-8000-000000000001","principal":"user:a","model":"a/one","status":"streaming","startedAt":"2026-05-01T12:00:00Z","durationMs":5000}""";

    private const string Turn = """
        {"id":"018f0000-0000-7000-8000-000000000001","threadId":"t","messageId":"m","principal":"user:a","model":"a/one","status":"streaming","startedAt":"2026-05-01T12:00:00Z","durationMs":5000,
        "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","waitsFor":{"kind":"first_token","text":"The primary route has sent no token for 4 s."},
        "events":[{"at":"2026-05-01T12:00:00Z","offsetMs":0,"kind":"start","title":"Started","detail":"on replica r"},
        {"at":"2026-05-01T12:00:01.5Z","offsetMs":1500,"kind":"route","title":"Request to primary","detail":"a/one\u001b[2J"}]}
        """;

    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();
    private IQueryCollection _query = QueryCollection.Empty;

    [Fact]
    public async Task An_id_of_one_turn_shows_its_timeline_and_what_it_waits_for()
    {
        await using var api = await ServeAsync(Row);

        Assert.Equal(0,
            await TurnCommand.Create(new(_terminal.Console, _errors, "the key")).Parse(["chat id", "--url", api.Address.ToString()])
            .InvokeAsync());

        Assert.Equal(
            """
            Turn 018f0000-0000-7000-8000-000000000001 of user:a: running
              thread t, message m, trace 4bf92f3577b34da6a3ce929d0e0e4736
              a/one, 5000 ms

              2026-05-01 12:00:00  +0.000 s  Started             on replica r
              2026-05-01 12:00:01  +1.500 s  Request to primary  a/one [2J

            Waits: The primary route has sent no token for 4 s.

            """.ReplaceLineEndings("\n"),
            _terminal.Text);
        Assert.Equal(["GET /api/ops/turns", "GET /api/ops/turns/018f0000-0000-7000-8000-000000000001"], api.Requests);
        Assert.Equal("chat id", _query["id"]);
    }

    [Fact]
    public async Task An_id_of_several_turns_lists_them_and_an_unknown_one_fails()
    {
        await using var several = await ServeAsync($"{Row},{Row}");
        await using var none = await ServeAsync("");

        Assert.Equal(0,
            await TurnCommand.Create(new(_terminal.Console, _errors, "the key")).Parse(["thread", "--url", several.Address.ToString()])
            .InvokeAsync());
        Assert.Equal(1,
            await TurnCommand.Create(new(_terminal.Console, _errors, "the key")).Parse(["thread", "--url", none.Address.ToString()])
            .InvokeAsync());

        const string Line = "2026-05-01 12:00:00  018f0000-0000-7000-8000-000000000001  streaming  5000 ms  a/one  user:a\n";
        Assert.Equal($"{Line}{Line}No turn has this id.\n", _terminal.Text);
        Assert.False(_query.ContainsKey("limit"));
    }

    [Fact]
    public async Task The_timeline_is_printed_from_the_oldest_entry_over_all_pages()
    {
        await using var api = await ApiStub.StartAsync((app, _) => app.MapGet("/api/ops/timeline", http => AnswerAsync(
            http, http.Request.Query.ContainsKey("cursor")
                ? """{"items":[{"at":"2026-05-01T11:58:00Z","kind":"circuit_opened","subject":"ebay_search","title":"Opened after 4 failures","detail":"HTTP 503"}]}"""
                : """{"items":[{"at":"2026-05-01T11:59:00Z","kind":"knob","subject":"A_MAX","title":"knob.set","detail":"1 → 2","actor":"ann","reason":"load"}],"nextCursor":"c"}""")));
        var time = new FakeTimeProvider(new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

        Assert.Equal(0,
            await TimelineCommand.Create(new(_terminal.Console, _errors, "the key"), time)
            .Parse(["--minutes", "30", "--url", api.Address.ToString()]).InvokeAsync());

        Assert.Equal(
            "2026-05-01 11:58:00  ebay_search  Opened after 4 failures  HTTP 503\n2026-05-01 11:59:00  A_MAX        "
            + "knob.set                 1 → 2; ann: load\n", _terminal.Text);
        Assert.Equal("2026-05-01T11:30:00Z", _query["from"]);

        // The most rows of a page are a setting of the API, and a number above it is refused.
        Assert.False(_query.ContainsKey("limit"));
    }

    private Task<ApiStub> ServeAsync(string rows) => ApiStub.StartAsync((app, _) =>
    {
        app.MapGet("/api/ops/turns", http => AnswerAsync(http, $$"""{"items":[{{rows}}]}"""));
        app.MapGet("/api/ops/turns/{id}", http => AnswerAsync(http, Turn));
    });

    private Task AnswerAsync(HttpContext http, string json)
    {
        _query = http.Request.Query.Count > 0 ? http.Request.Query : _query;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json);
    }
}
