using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat knob</c> against a stub of the API.</summary>
public sealed class KnobCommandTests
{
    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task List_shows_the_settings_whose_name_contains_the_text()
    {
        await using var api = await ServeAsync("", """{"items":[{"name":"A_MAX","value":"5","source":"override","range":"1–9"},{"name":"B_MAX","value":"7","source":"default","range":"1–9"}],"rejected":[]}""");

        Assert.Equal(0, await RunAsync(api, "list", "max", "--changed"));

        Assert.Equal("A_MAX  5  override  1–9\n", _terminal.Text);
    }

    [Fact]
    public async Task List_shows_what_deviates_from_the_configuration_by_whom_and_until_when()
    {
        await using var api = await ServeAsync(
            "",
            """
            {"items":[{"name":"A_MAX","value":"5","source":"override","range":"1–9","configured":"3","setBy":"ann (operator)","until":"2026-05-01T12:15:00Z","then":"4"},
            {"name":"B_URL","value":"x","source":"override","range":"","configured":"","setBy":"bob"},{"name":"C_MAX","value":"7","source":"configuration","range":"1–9"}],"rejected":[]}
            """);

        Assert.Equal(0, await RunAsync(api, "list", "--changed"));

        Assert.Equal(
            "A_MAX  5  override  1–9  instead of 3, by ann (operator), until 2026-05-01 12:15:00 UTC, then 4\nB_URL  x  override       "
            + "instead of nothing, by bob\n",
            _terminal.Text);
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("4h", 14_400)]
    [InlineData("30d", 2_592_000)]
    public async Task Set_for_a_time_says_when_it_ends_and_what_stands_in_its_way(string time, int seconds)
    {
        await using var api = await ServeAsync(
            "/A_MAX", """{"name":"A_MAX","value":"6","until":"2026-05-01T12:15:00Z","warning":"It has no effect while FF_X is off"}""",
            "load test");

        Assert.Equal(0, await RunAsync(api, "set", "A_MAX", "6", "--for", time, "--reason", "load test"));

        Assert.Equal($$"""{"value":"6","forSeconds":{{seconds}}}""", api.LastBody);
        Assert.Equal(
            "A_MAX is 6 now, until 2026-05-01 12:15:00 UTC, then as configured.\nNote: It has no effect while FF_X is off.\n",
            _terminal.Text);
        Assert.All(["15", "m", "1.5h", "-5m", "5w"], wrong =>
            Assert.NotEmpty(Command().Parse(["set", "A_MAX", "6", "--for", wrong, "--reason", "load test"]).Errors));
    }

    [Fact]
    public async Task Set_and_clear_send_the_reason()
    {
        await using var api = await ServeAsync("/A_MAX", """{"name":"A_MAX","before":"5","value":"6"}""", "load test");

        Assert.Equal(0, await RunAsync(api, "set", "A_MAX", "6", "--reason", "load test"));
        Assert.Equal("""{"value":"6"}""", api.LastBody);
        Assert.Equal(0, await RunAsync(api, "clear", "A_MAX", "--reason", "load test"));

        Assert.Equal(["PUT /api/ops/knobs/A_MAX", "DELETE /api/ops/knobs/A_MAX"], api.Requests);
        Assert.StartsWith("A_MAX is 6 now; the operators' value before was 5.\n", _terminal.Text, StringComparison.Ordinal);
        Assert.NotEmpty(Command().Parse(["set", "A_MAX", "6"]).Errors);
        Assert.NotEmpty(Command().Parse(["clear", "A_MAX"]).Errors);
    }

    private static Task<ApiStub> ServeAsync(string path, string response, string? reason = null) =>
        ApiStub.StartAsync((app, _) => app.Map($"/api/ops/knobs{path}", async http =>
        {
            Assert.Equal(reason, (string?)http.Request.Headers["x-sendcat-reason"]);
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(response);
        }));

    private System.CommandLine.Command Command() => KnobCommand.Create(new(_terminal.Console, _errors, "the key"));

    private Task<int> RunAsync(ApiStub api, params string[] args) =>
        Command().Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
