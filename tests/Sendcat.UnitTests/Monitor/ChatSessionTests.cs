using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor;
using Sendcat.Monitor.Chat;

namespace Sendcat.UnitTests.Monitor;

public sealed class ChatSessionTests
{
    private const string FirstEvents =
        "data: {\"type\":\"start\",\"messageId\":\"m1\",\"streamId\":\"STREAM:1\"}\n\ndata: "
        + "{\"type\":\"content\",\"content\":\"Hello.\"}\n\n";

    [Fact]
    public async Task A_chat_turn_signs_in_creates_a_thread_stores_the_message_and_streams_the_answer()
    {
        await using var api = await ApiStub.StartAsync(
            (app, _) => MapSession(app, http => http.Response.WriteAsync($"{FirstEvents}data: {{\"type\":\"done\"}}\n\n")));

        var (code, text) = await RunTurnAsync(api.Address, "sendcat", TestContext.Current.CancellationToken);

        Assert.Equal(ExitCode.Pass, code);
        Assert.Equal("Hello.\ndone\n", text);
        Assert.Equal(["POST /api/auth/anonymous", "POST /api/threads", "POST /api/threads/t1/messages", "POST /api/chat"], api.Requests);
        Assert.Equal("""{"threadId":"t1","sessionId":"s1","webSearch":true}""", api.LastBody);
    }

    [Fact]
    public async Task The_UI_dialect_sends_the_message_in_the_chat_request()
    {
        await using var api = await ApiStub.StartAsync(
            (app, _) => MapSession(
                app,
                http => http.Response.WriteAsync("data: {\"type\":\"text-delta\",\"id\":\"t\",\"delta\":\"Hello.\"}\n\ndata: [DONE]\n\n")));

        var (code, text) = await RunTurnAsync(api.Address, "ui", TestContext.Current.CancellationToken);

        Assert.Equal(ExitCode.Pass, code);
        Assert.Equal("Hello.\ndone\n", text);
        Assert.DoesNotContain("POST /api/threads/t1/messages", api.Requests);
        Assert.Contains("""
            "parts":[{"type":"text","text":"find me a kettle"}]
            """, api.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_request_shows_its_error_code_and_fails()
    {
        await using var api = await ApiStub.StartAsync((app, _) => MapSession(app, http =>
        {
            http.Response.StatusCode = 429;
            http.Response.Headers["x-sendcat-error-code"] = "rate_limited";
            http.Response.Headers.RetryAfter = "3";
            return http.Response.WriteAsync("Too many requests.");
        }));

        var (code, text) = await RunTurnAsync(api.Address, "sendcat", TestContext.Current.CancellationToken);

        Assert.Equal(ExitCode.Fail, code);
        Assert.Equal("✗ rate_limited: Too many requests. (try again in 3 s)\n", text);
    }

    [Fact]
    public async Task Cancellation_aborts_the_turn_on_the_server()
    {
        using var stop = new CancellationTokenSource();
        await using var api = await ApiStub.StartAsync((app, _) => MapSession(app, async http =>
        {
            await http.Response.WriteAsync(FirstEvents, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
        }));
        using var http = new HttpClient { BaseAddress = api.Address };
        var stopping = new StoppingTerminal("Hello.", stop);

        var code = await new ChatSession(new(http), new(stopping.Console), TimeProvider.System)
            .RunAsync(new("find me a kettle", api.Address, null, true, "sendcat"), stop.Token);

        Assert.Equal(ExitCode.Fail, code);
        Assert.Equal("POST /api/chat/abort", api.Requests[^1]);
        Assert.Equal("""{"threadId":"t1","messageId":"m1","streamId":"STREAM:1","sessionId":"s1"}""", api.LastBody);
        Assert.Equal("Hello.\n■ stopped\n", stopping.Text);
    }

    private static void MapSession(WebApplication app, Func<HttpContext, Task> chat)
    {
        app.MapPost("/api/auth/anonymous", () => new { sessionId = "s1" });
        app.MapPost("/api/threads", () => TypedResults.Created("/api/threads/t1", new { id = "t1" }));
        app.MapPost("/api/threads/t1/messages", () => TypedResults.Created("/api/threads/t1/messages/u1", new { id = "u1" }));
        app.MapPost("/api/chat/abort", () => TypedResults.NoContent());
        app.MapPost("/api/chat", (HttpContext http) =>
        {
            http.Response.ContentType = "text/event-stream";
            return chat(http);
        });
    }

    private static async Task<(int Code, string Text)> RunTurnAsync(Uri address, string dialect, CancellationToken cancellationToken)
    {
        var terminal = new PlainTerminal();
        using var http = new HttpClient { BaseAddress = address };
        var code = await new ChatSession(new(http), new(terminal.Console), TimeProvider.System)
            .RunAsync(new("find me a kettle", address, null, true, dialect), cancellationToken);
        return (code, terminal.Text);
    }
}
