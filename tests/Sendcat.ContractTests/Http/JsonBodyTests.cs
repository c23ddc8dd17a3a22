using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace Sendcat.ContractTests.Http;

public sealed class JsonBodyTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Theory]
    [InlineData("text/plain")]
    [InlineData("text/plain; note=application/json")]
    [InlineData("application/jsonp")]
    [InlineData("application/json-patch+json")]
    [InlineData("multipart/form-data; boundary=application/json")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task A_media_type_that_only_mentions_json_is_unsupported(string contentType)
    {
        using var body = new ByteArrayContent("{}"u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", contentType);
        await (await Guest.PostAsync("/api/threads", body)).RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task A_body_without_media_type_is_unsupported() =>
        await (await Guest.PostAsync("/api/threads", new ByteArrayContent("{}"u8.ToArray())))
            .RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON; charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    public async Task The_JSON_media_type_is_case_insensitive_and_may_have_a_utf8_charset(string contentType)
    {
        using var body = new ByteArrayContent("""{"title":"shoes"}"""u8.ToArray());
        body.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        Assert.Equal(HttpStatusCode.Created, (await Guest.PostAsync("/api/threads", body)).StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_64_KiB_is_too_large_whether_announced_or_chunked(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/threads")
        {
            Content = $$"""{"title":"{{new string('a', 65_536)}}"}""".AsJson(),
        };
        request.Headers.TransferEncodingChunked = chunked;
        await (await Guest.SendAsync(request)).RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task A_chunked_body_of_64_KiB_exactly_is_read()
    {
        var json = """{"title":"shoes"}""";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/threads") { Content = json.PadRight(65_536).AsJson() };
        request.Headers.TransferEncodingChunked = true;
        Assert.Equal(HttpStatusCode.Created, (await Guest.SendAsync(request)).StatusCode);
    }

    [Theory]
    [InlineData("/api/threads", HttpStatusCode.Created)]
    [InlineData("/api/shares/none/fork", HttpStatusCode.NotFound)]
    [InlineData("/api/threads/none/share", HttpStatusCode.Forbidden)]
    public async Task An_empty_body_counts_as_one_without_fields_where_all_are_optional(string path, HttpStatusCode expected)
    {
        Assert.Equal(expected, (await Guest.PostAsync(path, null)).StatusCode);
        Assert.Equal(expected, (await Guest.PostAsync(path, "".AsJson())).StatusCode);
    }

    [Fact]
    public async Task An_empty_body_is_refused_where_a_field_is_required()
    {
        await (await Guest.PostAsync("/api/auth/login", null)).RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await (await Guest.PostAsync("/api/auth/login", "".AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Theory]
    [InlineData("POST", "/api/threads", "application/json", 65_537, 413)]
    [InlineData("POST", "/api/chat", "application/json", 900_000_000, 413)]
    [InlineData("PATCH", "/api/threads/none", "application/json", 3_000_000, 413)]
    [InlineData("POST", "/api/auth/login", "application/json", 65_537, 413)]
    [InlineData("POST", "/api/threads", "text/plain", 3_000_000, 415)]
    public async Task A_body_that_is_announced_too_large_is_refused_before_it_is_sent(
        string method, string path, string type, int length, int status)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Api.Anyone.BaseAddress!.Host, Api.Anyone.BaseAddress.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: "
            + $"{length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n"));

        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith(
            $"HTTP/1.1 {status.ToString(CultureInfo.InvariantCulture)}", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /%00 HTTP/1.1")]
    [InlineData("GET /api/threads/%00 HTTP/1.1")]
    [InlineData("GET /api/threads HTTP/9.9")]
    [InlineData("GET /api/threads\r\nbad header")]
    public async Task A_request_that_is_no_valid_HTTP_gets_the_code_header(string line)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Api.Anyone.BaseAddress!.Host, Api.Anyone.BaseAddress.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{line}\r\nHost: localhost\r\n\r\n"));

        using var reader = new StreamReader(client.GetStream());
        var response = await reader.ReadToEndAsync();
        Assert.Contains("\r\nx-sendcat-error-code: invalid_request\r\n", response, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("{\"title\":}")]
    [InlineData("{} trailing")]
    [InlineData("{}{}")]
    [InlineData("{'title':'x'}")]
    [InlineData("{\"title\":\"\\ud800\"}")]
    public async Task A_malformed_JSON_body_is_invalid_json(string body) =>
        await (await Guest.PostAsync("/api/threads", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");

    [Fact]
    public async Task A_body_with_invalid_UTF8_is_invalid_json()
    {
        using var body = new ByteArrayContent([.. "{\"title\":\""u8, 0xC3, 0x28, .. "\"}"u8]);
        body.Headers.ContentType = new("application/json");
        await (await Guest.PostAsync("/api/threads", body)).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Fact]
    public async Task Json_nested_too_deep_is_refused()
    {
        var deep = new StringBuilder("{\"x\":").Append('[', 5_000).Append(']', 5_000).Append('}').ToString();
        var text = await (await Guest.PostAsync("/api/threads", deep.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
        Assert.Contains("at most 64 levels deep", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("7")]
    [InlineData("{\"title\":7}")]
    [InlineData("{\"title\":{}}")]
    [InlineData("{\"title\":\"\"}")]
    [InlineData("{\"title\":\"a\\u0000b\"}")]
    [InlineData("{\"modelId\":\"two words\"}")]
    [InlineData("{\"sessionId\":[]}")]
    public async Task Json_of_the_wrong_shape_is_an_invalid_request(string body) =>
        await (await Guest.PostAsync("/api/threads", body.AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Null_counts_as_no_body_only_where_all_fields_are_optional()
    {
        Assert.Equal(HttpStatusCode.Created, (await Guest.PostAsync("/api/threads", "null".AsJson())).StatusCode);
        await (await Api.Anyone.PostAsync("/api/auth/login", "null".AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Unknown_fields_are_ignored() =>
        Assert.Equal(
            HttpStatusCode.Created,
            (await Guest.PostAsync("/api/threads", """{"title":"x","userId":"somebody","isPinned":true}""".AsJson())).StatusCode);

    [Fact]
    public async Task The_media_type_is_checked_before_the_size_and_the_size_before_the_JSON()
    {
        var large = new string('a', 70_000);
        using var text = new StringContent(large, Encoding.UTF8, "text/plain");
        await (await Guest.PostAsync("/api/threads", text)).RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await (await Guest.PostAsync("/api/threads", large.AsJson()))
            .RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task The_body_is_checked_before_the_identity() =>
        await (await Api.Anyone.PostAsync("/api/threads", "{".AsJson())).RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
}
