using System.Text;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Requests that are not valid HTTP. Each gets a 4xx (or 505) status or a closed connection, and no stack trace is logged.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class MalformedHttpTests(ChatSystemFixture fixture) : UnusualRequestTests(fixture)
{
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
    public async Task Malformed_headers_are_a_client_error(params string[] headers)
    {
        var response = await RawHttp.SendAsync(
            Sendcat.Api.Address, ["POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", .. headers, "", "{}"]);
        IsClientError(response);
    }

    [Theory]
    [InlineData("POST /api/chat")]
    [InlineData("POST /api/chat HTTP/9.9")]
    [InlineData("\u0016\u0003\u0001 hello")]
    [InlineData("POST /api/chat/%00 HTTP/1.1")]
    [InlineData("POST /api/chat/%ff%fe/stream HTTP/1.1")]
    [InlineData("GET /api/chat/../../etc/passwd HTTP/1.1")]
    public async Task A_malformed_request_line_is_a_client_error(string line)
    {
        IsClientError(await RawHttp.SendAsync(Sendcat.Api.Address, line, "Host: localhost", "Connection: close", "Content-Length: 0", ""));
    }

    [Fact]
    public async Task Oversized_headers_and_invalid_chunks_are_client_errors_and_a_truncated_body_logs_no_stack_trace()
    {
        IsClientError(
            await RawHttp.SendAsync(
                Sendcat.Api.Address,
                [
                    "POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", $"x-sendcat-session: {new string('a', 40_000)}", "",
                    "",
                ]));
        using (var client = new System.Net.Sockets.TcpClient())
        {
            await client.ConnectAsync(Sendcat.Api.Address.Host, Sendcat.Api.Address.Port);
            await client.GetStream().WriteAsync(
                Encoding.ASCII.GetBytes(
                    "POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"thr"));
        }

        var chunks = await RawHttp.SendAsync(
            Sendcat.Api.Address, "POST /api/chat HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json",
            "Transfer-Encoding: chunked", "", "zz", "{}", "0", "");
        IsClientError(chunks);

        // The server still serves: a turn on the same replica runs to its end.
        await using var stream = await Guest.ChatAsync(await Guest.NewThreadAsync("[[emu chunks=1]]"));
        Assert.Equal(System.Net.HttpStatusCode.OK, stream.Status);
        Assert.Equal("done", (await stream.ReadToEndAsync())[^1].GetProperty("type").GetString());
    }

    private static void IsClientError(string response)
    {
        // The server may also close the connection without a response.
        Assert.Matches("^(HTTP/1.1 (4[0-9][0-9]|505) |$)", response.Split('\n')[0]);
        Assert.DoesNotContain("Exception", response, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", response, StringComparison.Ordinal);
    }
}
