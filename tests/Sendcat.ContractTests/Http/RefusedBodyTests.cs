using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sendcat.ContractTests.Http;

/// <summary>
/// A request that is refused before its body has arrived gets its response also when the client sends the whole body first, as most clients
/// do: the connection is not reset.
/// </summary>
public sealed class RefusedBodyTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private const string Form = "multipart/form-data; boundary=b";
    private const string Json = "application/json";

    /// <summary>Longer than the time for which the server itself receives the rest of a body.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(6);

    public static TheoryData<string, string, int, int> Refused => new()
    {
        { "/api/attachments", Form, 5_300_000, 413 },
        { "/api/attachments", Form, 8_000_000, 413 },
        { "/api/attachments", Form, 20_000_000, 413 },
        { "/api/attachments", "text/plain", 4_000_000, 415 },
        { "/api/chat", Json, 20_000_000, 413 },
        { "/api/chat", "text/plain", 4_000_000, 415 },
        { "/api/threads", Json, 4_000_000, 413 },
        { "/api/auth/login", Json, 4_000_000, 413 },
        { "/api/gmail/push", Json, 4_000_000, 413 },
        { "/api/whatsapp/webhook", Json, 4_000_000, 413 },
        { "/api/resend/webhook", Json, 4_000_000, 413 },
        { "/api/threads/none", Json, 4_000_000, 405 },
        { "/api/none", Json, 4_000_000, 404 },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task The_response_reaches_a_client_that_sends_its_whole_body_first(string path, string type, int length, int status)
    {
        var (announced, chunked) = (
            await SendAsync(path, type, length, chunked: false, cancellationToken: TestContext.Current.CancellationToken),
            await SendAsync(path, type, length, chunked: true, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal((status, status), (StatusOf(announced), StatusOf(chunked)));
    }

    [Fact]
    public async Task The_response_reaches_a_client_that_sends_its_body_slowly()
    {
        var response = await SendAsync("/api/attachments", Form, 8_000_000, chunked: false, Pause, TestContext.Current.CancellationToken);

        Assert.Equal(413, StatusOf(response));
        Assert.EndsWith("The body may have at most 5242880 bytes", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_waits_for_100_continue_is_refused_without_sending()
    {
        using var client = await ConnectAsync(TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /api/attachments HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: {Form}\r\n"
                + "Content-Length: 8000000\r\n\r\n"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream());

        Assert.StartsWith("HTTP/1.1 413", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private async Task<TcpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var client = new TcpClient();
        await client.ConnectAsync(Api.Anyone.BaseAddress!.Host, Api.Anyone.BaseAddress.Port, cancellationToken);
        return client;
    }

    /// <summary>Sends a request with a session, and reads its response after the last byte of the body.</summary>
    /// <param name="pause">Before the second half of the body.</param>
    private async Task<string> SendAsync(
        string path, string type, int length, bool chunked, TimeSpan pause = default, CancellationToken cancellationToken = default)
    {
        var session = Guest.DefaultRequestHeaders.GetValues("x-sendcat-session").Single();
        var head = type == Form
            ? "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n"
            : """{"id":"chat","messages":[{"role":"user","parts":[],"x":" """;
        var body = new byte[length];
        body.AsSpan().Fill((byte)'x');
        Encoding.ASCII.GetBytes(head, body);

        using var client = await ConnectAsync(cancellationToken);
        var stream = client.GetStream();
        var framing = chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {length.ToString(CultureInfo.InvariantCulture)}";
        await WriteAsync($"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-sendcat-session: {session}\r\n");
        await WriteAsync($"Content-Type: {type}\r\n{framing}\r\n\r\n");
        foreach (var part in body.Chunk(500_000).Index())
        {
            if (pause > TimeSpan.Zero && part.Index == length / 1_000_000)
            {
                await Task.Delay(pause, TimeProvider.System, cancellationToken);
            }

            await WriteAsync(chunked ? $"{part.Item.Length.ToString("x", CultureInfo.InvariantCulture)}\r\n" : "");
            await stream.WriteAsync(part.Item, cancellationToken);
            await WriteAsync(chunked ? "\r\n" : "");
        }

        await WriteAsync(chunked ? "0\r\n\r\n" : "");
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);

        ValueTask WriteAsync(string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text), cancellationToken);
    }

    private static int StatusOf(string response) => int.Parse(response.AsSpan("HTTP/1.1 ".Length, 3), CultureInfo.InvariantCulture);
}
