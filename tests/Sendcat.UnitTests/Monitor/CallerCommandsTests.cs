using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat callers</c>, <c>block</c> and <c>unblock</c> against a stub of the API.</summary>
public sealed class CallerCommandsTests
{
    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task Callers_are_listed_with_what_they_use_and_the_blocks()
    {
        await using var api = await ServeAsync(
            "",
            """
            {"windowMinutes":60,"items":[{"caller":"user:#0123456789abcdef","turns":12,"jobs":3,"refusals":0,"tokens":4000,"usd":1.5,"unpricedTurns":0},
            {"caller":"ip:192.0.2.1","turns":2,"jobs":0,"refusals":40,"tokens":100,"usd":0,"unpricedTurns":0,"blockedUntil":"2026-05-01T12:15:00Z"}],
            "blocked":[{"caller":"ip:192.0.2.1","until":"2026-05-01T12:15:00Z","blockedBy":"ann (operator)","reason":"flood"}]}
            """,
            query: "?by=refusals&minutes=60");

        Assert.Equal(0, await RunAsync(api, "callers", "--minutes", "60", "--by", "refusals"));

        Assert.Equal(
            """
            Callers of the last 60 minutes
              user:#0123456789abcdef  turns 12  jobs 3  refusals 0   tokens 4000  1.500000 USD
              ip:192.0.2.1            turns 2   jobs 0  refusals 40  tokens 100   0.000000 USD  blocked until 2026-05-01 12:15:00

            Blocked
              ip:192.0.2.1  until 2026-05-01 12:15:00  by ann (operator)  flood

            """,
            _terminal.Text);
    }

    [Fact]
    public async Task Block_and_unblock_send_the_caller_and_the_reason()
    {
        await using var api = await ServeAsync(
            "/{change}", """{"caller":"ip:192.0.2.1","until":"2026-05-01T12:15:00Z"}""", reason: "flood");

        Assert.Equal(0, await RunAsync(api, "block", "192.0.2.1", "--minutes", "15", "--reason", "flood"));
        Assert.Equal("""{"caller":"192.0.2.1","minutes":15}""", api.LastBody);
        Assert.Equal(0, await RunAsync(api, "unblock", "192.0.2.1", "--reason", "flood"));

        Assert.Equal("""{"caller":"192.0.2.1"}""", api.LastBody);
        Assert.Equal(["POST /api/ops/callers/block", "POST /api/ops/callers/unblock"], api.Requests);
        Assert.Equal("ip:192.0.2.1 is blocked until 2026-05-01 12:15:00 UTC.\nip:192.0.2.1 is not blocked any more.\n", _terminal.Text);
        Assert.NotEmpty(Command("block").Parse(["192.0.2.1", "--minutes", "15"]).Errors);
        Assert.NotEmpty(Command("block").Parse(["192.0.2.1", "--reason", "flood"]).Errors);
    }

    private static Task<ApiStub> ServeAsync(string path, string response, string query = "", string? reason = null) =>
        ApiStub.StartAsync((app, _) => app.Map($"/api/ops/callers{path}", async http =>
        {
            Assert.Equal((reason, query), ((string?)http.Request.Headers["x-sendcat-reason"], http.Request.QueryString.ToString()));
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(response);
        }));

    private Command Command(string name) =>
        CallerCommands.Create(new(_terminal.Console, _errors, "the key")).Single(command => command.Name == name);

    private Task<int> RunAsync(ApiStub api, string name, params string[] args) =>
        Command(name).Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
