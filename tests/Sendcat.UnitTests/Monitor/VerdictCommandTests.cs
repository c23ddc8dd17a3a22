using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary>The verdict that <c>./sendcat status</c> ends with.</summary>
public sealed class VerdictCommandTests
{
    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Theory]
    [InlineData(200, """{"ok":true,"verdict":"ok"}""", 0, "verdict    ok\n")]
    [InlineData(
        200, """{"ok":true,"verdict":"degraded","cause":"provider","lastMinute":{"text":"3 of 9 turns."}}""", 1,
        "verdict    degraded (provider): 3 of 9 turns.\n")]
    [InlineData(503, """{"ok":false,"verdict":"failing","cause":"key"}""", 1, "verdict    failing (key)\n")]
    [InlineData(200, """{"ok":true}""", 2, "")]
    [InlineData(502, "<html>", 2, "")]
    public async Task The_exit_code_follows_the_verdict(int status, string health, int exit, string printed)
    {
        await using var api = await ApiStub.StartAsync((app, _) => app.MapGet("/api/chat/health", async http =>
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(health);
        }));

        var command = VerdictCommand.Create(new(_terminal.Console, _errors, "the key"));

        Assert.Equal(exit, await command.Parse(["--url", api.Address.ToString()]).InvokeAsync());

        Assert.Equal(printed, _terminal.Text);
    }
}
