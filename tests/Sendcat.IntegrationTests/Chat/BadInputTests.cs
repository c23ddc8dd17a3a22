using System.Net;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Every invalid body gets the documented status and error code. None logs a stack trace.</summary>
[Collection(nameof(ChatCollection))]
public sealed class BadInputTests(ChatSystemFixture fixture) : UnusualRequestTests(fixture)
{
    private const string Start = "/api/chat";
    private const string Abort = "/api/chat/abort";

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("hello")]
    [InlineData("""{"threadId":}""")]
    [InlineData("""{"threadId":"x"} {}""")]
    [InlineData("""{"threadId":"x",}""")]
    [InlineData("""{"threadId":"\ud800"}""")]
    [InlineData("""{threadId:"x"}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"text","text":"half \ud83d"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}],"\ud83d":1}]}""")]
    [InlineData("""{"id":"x","messages":[{"\ud83d":1,"role":"user","parts":[{"\ud83d":1,"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","message":{"\ud83d":1,"role":"user","parts":[{"type":"text","text":"hi"}]}}""")]
    public async Task A_body_that_is_not_json_is_invalid_json(string body)
    {
        using var response = await Guest.PostAsync(Start, body);
        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_are_invalid_json()
    {
        using var body = new ByteArrayContent([.. "{\"threadId\":\""u8, 0xff, 0xfe, .. "\"}"u8])
        {
            Headers = { ContentType = new("application/json") },
        };
        using var response = await Guest.Http.PostAsync(Start, body);
        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(90_000)]
    public async Task A_nested_output_of_a_tool_in_the_history_is_skipped_over(int padding)
    {
        var nested = new string('[', 70) + new string(']', 70);
        using var response = await Guest.PostAsync(Start, $$"""
            {"id":"nested{{padding}}","messages":[
              {"id":"a","role":"assistant","parts":[{"type":"tool-x","output":{{nested}},"text":"{{new string('x', padding)}}"}]},
              {"id":"b","role":"user","parts":[{"type":"text","text":"hi"}]}]}
            """);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Too_deeply_nested_json_is_invalid_json()
    {
        using var response = await Guest.PostAsync(
            Start, $$"""{"id":"x","messages":{{new string('[', 5_000)}}{{new string(']', 5_000)}}}""");
        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("\"x\"")]
    [InlineData("{}")]
    [InlineData("""{"threadId":null}""")]
    [InlineData("""{"threadId":""}""")]
    [InlineData("""{"threadId":7}""")]
    [InlineData("""{"threadId":["x"]}""")]
    [InlineData("""{"threadId":"x","modelId":""}""")]
    [InlineData("""{"threadId":"x","modelId":7}""")]
    [InlineData("""{"threadId":"x","modelId":"two words"}""")]
    [InlineData("""{"threadId":"x","modelId":"nul\u0000"}""")]
    [InlineData("""{"threadId":"x","webSearch":"yes"}""")]
    [InlineData("""{"threadId":"x","webSearch":1}""")]
    [InlineData("""{"threadId":"x","sessionId":""}""")]
    [InlineData("""{"threadId":"x","sessionId":7}""")]
    public async Task A_body_of_the_wrong_shape_is_an_invalid_request(string body)
    {
        using var response = await Guest.PostAsync(Start, body);
        Assert.NotEmpty(await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request"));
    }

    [Theory]
    [InlineData("""{"id":"x","messages":[]}""")]
    [InlineData("""{"id":"x","messages":"hi"}""")]
    [InlineData("""{"id":"x","messages":{"role":"user"}}""")]
    [InlineData("""{"id":"x","messages":[7,"user",null,[]]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"assistant","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":7,"parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user"}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":"hi"}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"text","text":7},{"type":7},null]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"text","text":"  \n"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"text","text":"nul\u0000"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"\udc00","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"id":"nul\u0000","role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData(
        """{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"javascript:alert(1)","mediaType":"image/png"}]}]}""")]
    [InlineData(
        """{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"file:///etc/passwd","mediaType":"application/pdf"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"https://example.com/a.svg","mediaType":"image/svg+xml"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"https://example.com/a.png","mediaType":"image/png","filename":"nul\u0000"}]}]}""")]
    [InlineData("""{"id":"","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":7,"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"message":""}""")]
    [InlineData("""{"message":"nul\u0000"}""")]
    [InlineData("""{"threadId":"x","message":{"role":"user"}}""")]
    [InlineData("""{"id":"x","trigger":"other","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","trigger":7,"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","modelId":"nul\u0000","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    public async Task A_useChat_body_without_a_valid_user_message_is_an_invalid_request(string body)
    {
        using var response = await Guest.PostAsync(Start, body);
        await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Too_many_files_and_too_long_ids_and_names_are_an_invalid_request()
    {
        object File(string name) => new { type = "file", url = "https://example.com/a.png", mediaType = "image/png", filename = name };
        var bodies = new object[]
        {
            new { id = "x", messages = new[] { new { id = "m", role = "user", parts = Enumerable.Repeat(File("a.png"), 11) } } },
            new { id = "x", messages = new[] { new { id = "m", role = "user", parts = new[] { File(new string('a', 256)) } } } },
            new
            {
                id = "x",
                messages = new[] { new { id = new string('m', 201), role = "user", parts = new[] { new { type = "text", text = "hi" } } } },
            },
            new { threadId = "x", modelId = new string('m', 201) },
        };

        foreach (var body in bodies)
        {
            using var response = await Guest.PostAsync(Start, JsonSerializer.Serialize(body));
            await response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task A_thread_id_that_is_too_long_is_forbidden_like_any_other_unknown_one()
    {
        var id = new string('x', 201);
        foreach (var body in new object[]
        {
            new { threadId = id },
            new { id, messages = new[] { new { role = "user", parts = new[] { new { type = "text", text = "hi" } } } } },
        })
        {
            using var response = await Guest.PostAsync(Start, JsonSerializer.Serialize(body));
            await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"threadId":"x"}""")]
    [InlineData("""{"messageId":"x"}""")]
    [InlineData("""{"threadId":"","messageId":"x"}""")]
    [InlineData("""{"threadId":"x","messageId":""}""")]
    [InlineData("""{"threadId":7,"messageId":"x"}""")]
    [InlineData("""{"threadId":"x","messageId":{}}""")]
    [InlineData("""{"threadId":"x","messageId":"x","streamId":""}""")]
    [InlineData("""{"threadId":"x","messageId":"x","sessionId":""}""")]
    [InlineData("", "invalid_json")]
    [InlineData("{", "invalid_json")]
    [InlineData("""{"threadId":"x"} {}""", "invalid_json")]
    public async Task An_abort_of_the_wrong_shape_is_an_invalid_request(string body, string code = "invalid_request")
    {
        using var response = await Guest.PostAsync(Abort, body);
        await response.RefusedAsync(HttpStatusCode.BadRequest, code);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("text/plain; note=application/json")]
    [InlineData("application/jsonp")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    [InlineData(null)]
    public async Task A_media_type_other_than_json_is_unsupported(string? mediaType)
    {
        foreach (var path in new[] { Start, Abort })
        {
            using var body = new ByteArrayContent("""{"threadId":"x","messageId":"x"}"""u8.ToArray());
            body.Headers.TryAddWithoutValidation("Content-Type", mediaType);
            using var response = await Guest.Http.PostAsync(path, body);
            await response.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_its_limit_is_too_large_with_a_content_length_or_chunked(bool chunked)
    {
        using (var sendcatShape = await Guest.PostAsync(
            Start, Padded($$"""{"threadId":"{{Guid.NewGuid()}}","content":"*"}""", 65_537), chunked))
        {
            await sendcatShape.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using (var abort = await Guest.PostAsync(Abort, Padded("""{"threadId":"x","messageId":"x","content":"*"}""", 65_537), chunked))
        {
            await abort.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using (var history = await Guest.PostAsync(Start, Padded(UseChat.Json("not an id", "hi"), 1_048_577), chunked))
        {
            await history.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using var message = await Guest.PostAsync(Start, UseChat.Json(Guid.NewGuid().ToString(), new string('a', 65_537)), chunked);
        Assert.Equal(
            "The text of a message may have at most 65536 bytes",
            await message.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large"));
    }

    [Fact]
    public async Task An_oversized_chunked_body_is_too_large()
    {
        using var response = await Guest.PostAsync(Start, new string(' ', 3 * 1024 * 1024), chunked: true);
        await response.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_at_its_limit_is_accepted(bool chunked)
    {
        using (var sendcatShape = await Guest.PostAsync(
            Start, Padded($$"""{"threadId":"{{Guid.NewGuid()}}","content":"*"}""", 65_536), chunked))
        {
            await sendcatShape.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        using var history = await Guest.PostAsync(Start, Padded(UseChat.Json("not an id", "hi"), 1_048_576), chunked);
        await history.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    /// <summary>
    /// Replaces the <c>*</c> with letters so that the JSON has this many bytes. Without a <c>*</c> the letters go into a property at the
    /// end.
    /// </summary>
    private static string Padded(string json, int bytes)
    {
        json = json.Contains('*', StringComparison.Ordinal) ? json : json[..^1] + ",\"more\":\"*\"}";
        return json.Replace("*", new string('a', bytes - json.Length + 1), StringComparison.Ordinal);
    }
}
