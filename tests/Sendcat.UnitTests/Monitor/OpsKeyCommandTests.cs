using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sendcat.Monitor.Ops;

namespace Sendcat.UnitTests.Monitor;

/// <summary><c>./sendcat ops-key</c> against a stub of the API.</summary>
public sealed class OpsKeyCommandTests
{
    private const string Key = "the key";

    private readonly PlainTerminal _terminal = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public async Task Make_prints_the_key_alone_and_sends_the_reason()
    {
        await using var api = await ServeAsync(
            "", """{"name":"ann","role":"viewer","key":"sendcat_ops_abc","madeBy":"operator","madeAt":"2026-05-01T12:00:00Z"}""",
            "für Ann");

        Assert.Equal(0, await RunAsync(api, "make", "ann", "--reason", "für Ann"));

        Assert.Equal("sendcat_ops_abc\n", _terminal.Text);
        Assert.Equal("""{"name":"ann","role":"viewer"}""", api.LastBody);
        Assert.Equal(["POST /api/ops/keys"], api.Requests);
    }

    [Fact]
    public async Task List_shows_valid_and_revoked_keys()
    {
        await using var api = await ServeAsync("", """{"items":[{"name":"ann","role":"operator","madeBy":"operator at ip:1.2.3.4","madeAt":"2026-05-01T12:00:00Z"}],"revoked":[{"name":"bob","role":"viewer","madeBy":"x","madeAt":"2026-05-01T12:00:00Z","revokedBy":"ann (operator)","revokedAt":"2026-05-02T12:00:00Z"}]}""");

        Assert.Equal(0, await RunAsync(api, "list"));

        Assert.Equal(
            """
            ann  operator  made 2026-05-01 12:00:00 by operator at ip:1.2.3.4  valid
            bob  viewer    made 2026-05-01 12:00:00 by x                       revoked 2026-05-02 12:00:00 by ann (operator)

            """,
            _terminal.Text);
    }

    [Fact]
    public async Task Revoke_names_the_key_and_needs_a_reason()
    {
        await using var api = await ServeAsync(
            "/ann", """{"name":"ann","role":"viewer","madeBy":"x","madeAt":"2026-05-01T12:00:00Z"}""", "left");

        Assert.Equal(0, await RunAsync(api, "revoke", "ann", "--reason", "left"));

        Assert.Equal(["DELETE /api/ops/keys/ann"], api.Requests);
        Assert.Equal("The viewer key ann is revoked.\n", _terminal.Text);
        Assert.NotEmpty(Command().Parse(["revoke", "ann"]).Errors);
        Assert.NotEmpty(Command().Parse(["make", "ann", "--role", "admin", "--reason", "left"]).Errors);
    }

    private static Task<ApiStub> ServeAsync(string path, string response, string? reason = null) =>
        ApiStub.StartAsync((app, _) => app.Map($"/api/ops/keys{path}", async http =>
        {
            Assert.Equal($"Bearer {Key}", http.Request.Headers.Authorization);
            Assert.Equal(reason, (string?)http.Request.Headers["x-sendcat-reason"]);
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(response);
        }));

    private System.CommandLine.Command Command() => OpsKeyCommand.Create(new(_terminal.Console, _errors, Key));

    private Task<int> RunAsync(ApiStub api, params string[] args) =>
        Command().Parse([.. args, "--url", api.Address.ToString()]).InvokeAsync();
}
