using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Requests that no HTTP library would send.</summary>
[Collection(nameof(ChatCollection))]
public sealed class BadBytesTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private readonly SendcatSystem sendcat = fixture.System;
    private SendcatClient guest = null!;
    private int traces;

    public async ValueTask InitializeAsync()
    {
        guest = await sendcat.GuestAsync();
        traces = sendcat.Api.StackTraces;
    }

    public ValueTask DisposeAsync()
    {
        guest.Dispose();
        Assert.True(sendcat.Api.StackTraces <= traces, "A stack trace was logged");
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "Authorization: Bearer a", "Authorization: Bearer b")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "Origin: http://localhost:3000", "Origin: https://evil.example")]
    [InlineData("Content-Type: application/json", "Content-Type: text/plain", "Content-Length: 2")]
    [InlineData("Content-Type: application/json", "Content-Length: -1")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "Content-Length: 3")]
    [InlineData("Content-Type: application/json", "Content-Length: 99999999999999999999")]
    [InlineData("Content-Type: application/json", "Transfer-Encoding: chunked, gzip")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "x-sendcat-session: \u0001\u0002")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "x-sendcat-session: \u00ff\u00fe", "X-Forwarded-For: ,,,;;\u00e9")]
    [InlineData("Content-Type: \u00ff", "Content-Length: 2", "Accept: \u0000")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", "bad header: x")]
    [InlineData("Content-Type: application/json", "Content-Length: 2", " folded: x")]
    public async Task Garbage_in_headers_is_a_client_error(params string[] headers)
    {
        var answer = await RawHttp.SendAsync(sendcat.Api.Address, ["POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", .. headers, "", "{}"]);
        IsClientError(answer);
    }

    [Theory]
    [InlineData("POST /api/chat")]
    [InlineData("POST /api/chat HTTP/9.9")]
    [InlineData("\u0016\u0003\u0001 hello")]
    [InlineData("POST /api/chat/%00 HTTP/1.1")]
    [InlineData("POST /api/chat/%ff%fe/stream HTTP/1.1")]
    [InlineData("GET /api/chat/../../etc/passwd HTTP/1.1")]
    public async Task Garbage_for_a_request_line_is_a_client_error(string line)
    {
        IsClientError(await RawHttp.SendAsync(sendcat.Api.Address, line, "Host: localhost", "Connection: close", "Content-Length: 0", ""));
    }

    [Fact]
    public async Task Headers_that_never_end_and_bodies_that_end_too_early_harm_nobody()
    {
        IsClientError(await RawHttp.SendAsync(sendcat.Api.Address, ["POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", $"x-sendcat-session: {new string('a', 40_000)}", "", ""]));
        using (var client = new System.Net.Sockets.TcpClient())
        {
            await client.ConnectAsync(sendcat.Api.Address.Host, sendcat.Api.Address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"thr"));
        }

        using var broken = new StringContent("", Encoding.ASCII, "application/json");
        var chunks = await RawHttp.SendAsync(
            sendcat.Api.Address, "POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json", "Transfer-Encoding: chunked", "", "zz", "{}", "0", "");
        IsClientError(chunks);

        // The server still serves: a turn on the same replica runs to its end.
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"));
        Assert.Equal(System.Net.HttpStatusCode.OK, stream.Status);
        Assert.Equal("done", (await stream.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    private static void IsClientError(string answer)
    {
        // A connection that the server only cuts says nothing, which is not too much.
        Assert.Matches("^(HTTP/1.1 (4[0-9][0-9]|505) |$)", answer.Split('\n')[0]);
        Assert.DoesNotContain("Exception", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer, StringComparison.Ordinal);
    }
}
