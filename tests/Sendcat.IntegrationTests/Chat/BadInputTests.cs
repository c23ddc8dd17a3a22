using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Whatever comes in: the documented status and code, never a surprise of ours, never a stack trace.</summary>
[Collection(nameof(ChatCollection))]
public sealed class BadInputTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private const string Start = "/api/chat";
    private const string Abort = "/api/chat/abort";

    private readonly SendcatSystem sendcat = fixture.System;
    private SendcatClient guest = null!;
    private int traces;

    public async ValueTask InitializeAsync()
    {
        guest = await sendcat.GuestAsync();
        traces = Traces();
    }

    public ValueTask DisposeAsync()
    {
        guest.Dispose();
        Assert.True(Traces() <= traces, "A stack trace was logged");
        return ValueTask.CompletedTask;
    }

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
    public async Task What_is_no_json_is_invalid_json(string body)
    {
        using var answer = await PostAsync(Start, body);
        await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Fact]
    public async Task Bytes_that_are_no_utf8_are_invalid_json()
    {
        using var body = new ByteArrayContent([.. "{\"threadId\":\""u8, 0xff, 0xfe, .. "\"}"u8]) { Headers = { ContentType = new("application/json") } };
        using var answer = await guest.Http.PostAsync(Start, body);
        await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
    }

    [Fact]
    public async Task Json_nested_too_deep_is_refused()
    {
        using var answer = await PostAsync(Start, $$"""{"id":"x","messages":{{new string('[', 5_000)}}{{new string(']', 5_000)}}}""");
        await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_json");
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
        using var answer = await PostAsync(Start, body);
        Assert.NotEmpty(await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request"));
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
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"javascript:alert(1)","mediaType":"image/png"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"file:///etc/passwd","mediaType":"application/pdf"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"https://example.com/a.svg","mediaType":"image/svg+xml"}]}]}""")]
    [InlineData("""{"id":"x","messages":[{"role":"user","parts":[{"type":"file","url":"https://example.com/a.png","mediaType":"image/png","filename":"nul\u0000"}]}]}""")]
    [InlineData("""{"id":"","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":7,"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","trigger":"other","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","trigger":7,"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"id":"x","modelId":"nul\u0000","messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}""")]
    public async Task A_body_in_useChat_shape_without_an_honest_user_message_is_an_invalid_request(string body)
    {
        using var answer = await PostAsync(Start, body);
        await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Too_many_files_and_endless_names_are_an_invalid_request()
    {
        object File(string name) => new { type = "file", url = "https://example.com/a.png", mediaType = "image/png", filename = name };
        var bodies = new object[]
        {
            new { id = "x", messages = new[] { new { id = "m", role = "user", parts = Enumerable.Repeat(File("a.png"), 11) } } },
            new { id = "x", messages = new[] { new { id = "m", role = "user", parts = new[] { File(new string('a', 256)) } } } },
            new { id = "x", messages = new[] { new { id = new string('m', 201), role = "user", parts = new[] { new { type = "text", text = "hi" } } } } },
            new { id = new string('x', 201), messages = new[] { new { role = "user", parts = new[] { new { type = "text", text = "hi" } } } } },
            new { threadId = new string('x', 201) },
            new { threadId = "x", modelId = new string('m', 201) },
        };

        foreach (var body in bodies)
        {
            using var answer = await PostAsync(Start, JsonSerializer.Serialize(body));
            await answer.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
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
        using var answer = await PostAsync(Abort, body);
        await answer.RefusedAsync(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task A_stream_id_that_is_none_neither_helps_nor_harms_an_abort()
    {
        var thread = await guest.AskingAsync("[[emu chunks=1]]");
        await using (var stream = await guest.ChatAsync(thread))
        {
            await stream.ToEndAsync();
        }

        var message = (await guest.MessagesAsync(thread))[^1].GetProperty("id").GetString()!;
        foreach (var streamId in new[] { "nonsense", "STREAM:", "STREAM:nonsense", Guid.NewGuid().ToString(), $"STREAM:{Guid.NewGuid()}", new string('x', 10_000) })
        {
            using var answer = await guest.AbortAsync(thread, message, streamId);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }
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
    public async Task Another_media_type_than_json_is_unsupported(string? mediaType)
    {
        foreach (var path in new[] { Start, Abort })
        {
            using var body = new ByteArrayContent("""{"threadId":"x","messageId":"x"}"""u8.ToArray());
            body.Headers.TryAddWithoutValidation("Content-Type", mediaType);
            using var answer = await guest.Http.PostAsync(path, body);
            await answer.RefusedAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_its_limit_is_too_large_whether_announced_or_chunked(bool chunked)
    {
        using (var sendcatShape = await PostAsync(Start, Padded($$"""{"threadId":"{{Guid.NewGuid()}}","content":"*"}""", 65_537), chunked))
        {
            await sendcatShape.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using (var abort = await PostAsync(Abort, Padded("""{"threadId":"x","messageId":"x","content":"*"}""", 65_537), chunked))
        {
            await abort.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using (var history = await PostAsync(Start, Padded(Ui(Guid.NewGuid().ToString(), "hi"), 1_048_577), chunked))
        {
            await history.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        }

        using var message = await PostAsync(Start, Ui(Guid.NewGuid().ToString(), new string('a', 65_537)), chunked);
        await message.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Fact]
    public async Task A_chunked_body_that_never_ends_is_cut_off()
    {
        using var answer = await PostAsync(Start, new string(' ', 3 * 1024 * 1024), chunked: true);
        await answer.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_at_its_limit_is_read(bool chunked)
    {
        using (var sendcatShape = await PostAsync(Start, Padded($$"""{"threadId":"{{Guid.NewGuid()}}","content":"*"}""", 65_536), chunked))
        {
            await sendcatShape.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        using var history = await PostAsync(Start, Padded(Ui(Guid.NewGuid().ToString(), "hi"), 1_048_576), chunked);
        await history.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Theory]
    [InlineData("GET", "/api/chat")]
    [InlineData("HEAD", "/api/chat")]
    [InlineData("PUT", "/api/chat")]
    [InlineData("DELETE", "/api/chat")]
    [InlineData("BREW", "/api/chat")]
    [InlineData("GET", "/api/chat/abort")]
    [InlineData("PATCH", "/api/chat/abort")]
    [InlineData("POST", "/api/chat/health")]
    [InlineData("DELETE", "/api/chat/health")]
    [InlineData("POST", "/api/chat/0198c0de-0000-7000-8000-000000000000/stream")]
    [InlineData("PUT", "/api/chat/x/stream")]
    public async Task The_wrong_method_is_405(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await guest.Http.SendAsync(request);
        await answer.RefusedAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }

    [Theory]
    [InlineData("/api/chat/nowhere")]
    [InlineData("/api/chat/x/stream/y")]
    [InlineData("/api/chat//stream")]
    public async Task Where_nothing_is_it_is_404(string path)
    {
        using var answer = await guest.Http.GetAsync(path);
        await answer.RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("http://localhost:3000.evil.example")]
    [InlineData("null")]
    [InlineData("*")]
    public async Task A_foreign_origin_is_refused_before_anything_else(string origin)
    {
        foreach (var (method, path) in new[] { ("POST", Start), ("GET", Start), ("POST", Abort), ("GET", "/api/chat/x/stream"), ("GET", "/api/chat/health") })
        {
            using var answer = await FromAsync(origin, method, path);
            await answer.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            Assert.Null(answer.Header("Access-Control-Allow-Origin"));
        }
    }

    [Fact]
    public async Task A_known_origin_reads_headers_of_success_and_of_every_refusal()
    {
        const string ours = "http://localhost:3000";
        var stranger = await guest.NewThreadAsync();
        foreach (var (method, path, body, status) in new[]
        {
            ("POST", Start, $$"""{"threadId":"{{stranger}}"}""", 200), ("POST", Start, "{", 400), ("POST", Start, "{}", 400), ("POST", Start, """{"threadId":"x"}""", 403), ("PUT", Start, "{}", 405),
            ("POST", Abort, "{}", 400), ("GET", "/api/chat/x/stream", null, 403), ("GET", "/api/chat/health", null, 200),
        })
        {
            using var answer = await FromAsync(ours, method, path, body);

            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal((ours, "true"), (answer.Header("Access-Control-Allow-Origin"), answer.Header("Access-Control-Allow-Credentials")));
            Assert.Contains("x-sendcat-error-code", answer.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
            Assert.Contains("Retry-After", answer.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/api/chat", 204)]
    [InlineData("/api/chat/abort", 204)]
    [InlineData("/api/chat/x/stream", 204)]
    [InlineData("/api/chat/health", 200)]
    public async Task A_preflight_tells_a_known_origin_what_it_may_and_a_foreign_one_nothing(string path, int status)
    {
        using var known = await FromAsync("http://localhost:3000", "OPTIONS", path);
        using var foreign = await FromAsync("https://evil.example", "OPTIONS", path);

        Assert.Equal(status, (int)known.StatusCode);
        Assert.Contains("GET", known.Header("Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Equal(path.EndsWith("health", StringComparison.Ordinal) ? 403 : 204, (int)foreign.StatusCode);
        Assert.DoesNotContain(foreign.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Nobody_is_unauthorized_everywhere()
    {
        using var nobody = new HttpClient { BaseAddress = sendcat.Api.Address };
        await AreUnauthorizedAsync(nobody);
    }

    [Fact]
    public async Task An_expired_a_forged_and_a_malformed_token_are_unauthorized_even_beside_a_good_session()
    {
        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        foreach (var bearer in new[]
        {
            Forger.Token(TimeProvider.System.GetUtcNow().AddMinutes(-5)),
            Forger.Token(later, key: "another-key-that-is-long-enough-to-sign-with"),
            Forger.Token(later, algorithm: "none"),
            Forger.Token(later, algorithm: "HS512"),
            Forger.Token(later, issuer: "elsewhere"),
            Forger.Token(later)[..^3],
            "nonsense", "a.b.c", new string('a', 5_000), SendcatSystem.OpsKey,
        })
        {
            using var client = new HttpClient { BaseAddress = sendcat.Api.Address, DefaultRequestHeaders = { Authorization = new("Bearer", bearer) } };
            client.DefaultRequestHeaders.Add("x-sendcat-session", guest.SessionId);
            await AreUnauthorizedAsync(client);
        }
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer")]
    [InlineData("bearer   ")]
    public async Task Another_authorization_than_a_bearer_token_is_unauthorized(string authorization)
    {
        using var client = new HttpClient { BaseAddress = sendcat.Api.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        await AreUnauthorizedAsync(client);
    }

    [Fact]
    public async Task A_session_whose_signature_was_changed_is_unauthorized()
    {
        var dot = guest.SessionId.LastIndexOf('.');
        foreach (var session in new[] { guest.SessionId[..dot], guest.SessionId[..^1] + (guest.SessionId[^1] == 'A' ? 'B' : 'A'), "anon_x.y", guest.SessionId + "x", "whatsapp:1", "two words" })
        {
            using var client = new HttpClient { BaseAddress = sendcat.Api.Address };
            client.DefaultRequestHeaders.Add("x-sendcat-session", session);
            await AreUnauthorizedAsync(client);
            using var inBody = await PostAsync(Start, JsonSerializer.Serialize(new { threadId = "x", sessionId = session }));
            Assert.True(inBody.StatusCode == HttpStatusCode.Unauthorized, session);
        }
    }

    [Fact]
    public async Task A_thread_that_is_not_ones_own_is_forbidden_everywhere_and_no_message_of_it_is_told()
    {
        using var owner = await sendcat.GuestAsync();
        var foreign = await owner.AskingAsync("mine");
        var message = (await owner.MessagesAsync(foreign))[0].GetProperty("id").GetString()!;

        foreach (var id in new[] { foreign, Guid.NewGuid().ToString(), "nonsense", "{" + foreign + "}", foreign.Replace("-", "", StringComparison.Ordinal), "' or 1=1 --", "🥭" })
        {
            using var start = await PostAsync(Start, JsonSerializer.Serialize(new { threadId = id }));
            using var ui = await PostAsync(Start, Ui(id, "hi"));
            using var again = await PostAsync(Start, JsonSerializer.Serialize(new { id, trigger = "regenerate-message", messageId = message, messages = Array.Empty<object>() }));
            using var abort = await PostAsync(Abort, JsonSerializer.Serialize(new { threadId = id, messageId = message }));
            using var resume = await guest.Http.GetAsync($"/api/chat/{Uri.EscapeDataString(id)}/stream");
            foreach (var answer in new[] { start, ui, again, abort, resume })
            {
                Assert.Equal("Forbidden", await answer.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
            }
        }

        Assert.Equal("mine", Assert.Single(await owner.MessagesAsync(foreign)).GetProperty("content").GetString());
    }

    [Fact]
    public async Task The_first_check_that_fails_answers()
    {
        using var nobody = new HttpClient { BaseAddress = sendcat.Api.Address };
        foreach (var (origin, method, type, body, status, code) in new[]
        {
            ("https://evil.example", "PUT", "text/plain", "{", 403, "forbidden"),
            (null, "PUT", "text/plain", "{", 405, "method_not_allowed"),
            (null, "POST", "text/plain", new string('x', 2_000_000), 415, "unsupported_media_type"),
            (null, "POST", "application/json", new string('x', 2_000_000), 413, "payload_too_large"),
            (null, "POST", "application/json", "{", 400, "invalid_json"),
            (null, "POST", "application/json", "{}", 400, "invalid_request"),
            (null, "POST", "application/json", """{"threadId":"x"}""", 401, "unauthorized"),
        })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), Start) { Content = new StringContent(body, Encoding.UTF8, type) };
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using var answer = await nobody.SendAsync(request);
            await answer.RefusedAsync((HttpStatusCode)status, code);
        }
    }

    [Fact]
    public async Task A_message_that_is_sent_again_and_at_once_is_stored_once()
    {
        var thread = await guest.NewThreadAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => guest.PostChatAsync(UiBody(thread, "[[emu chunks=2 every=0]]", "same"))));
        foreach (var answer in answers)
        {
            await using (answer)
            {
                if (answer.Status == HttpStatusCode.OK)
                {
                    await answer.ToEndAsync();
                    Assert.True(answer.SawDone);
                }
                else
                {
                    await answer.Response.RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited");
                }
            }
        }

        Assert.Single(await guest.MessagesAsync(thread), message => message.GetProperty("role").GetString() == "user");
    }

    [Fact]
    public async Task A_message_that_was_stored_by_its_client_id_before_is_that_message()
    {
        var thread = await guest.NewThreadAsync();
        using (var stored = await guest.Http.PostAsJsonAsync($"/api/threads/{thread}/messages", new { content = "[[emu chunks=2 every=0]]", clientId = "mine-1" }))
        {
            stored.EnsureSuccessStatusCode();
        }

        await using var stream = await guest.PostChatAsync(UiBody(thread, "[[emu chunks=2 every=0]]", "mine-1"));
        await stream.ToEndAsync();

        Assert.Equal("finish", stream.Types[^1]);
        Assert.Equal("stop", stream.Seen[^1].GetProperty("finishReason").GetString());
        Assert.Equal(["user", "assistant"], (await guest.MessagesAsync(thread)).Select(message => message.GetProperty("role").GetString()));
    }

    [Theory]
    [InlineData("""[[emu text="nul \u0000 inside" chunks=3]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\u0000"} id=call_nul]]""")]
    [InlineData("""[[emu tool=get_current_time args={"zone":"\ud800"} id=call_half]]""")]
    [InlineData("""[[emu tool=get_current_time id="call_\u0000"]]""")]
    public async Task A_character_that_the_record_cannot_keep_spoils_no_turn(string prompt)
    {
        var thread = await guest.AskingAsync(prompt);
        await using var stream = await guest.ChatAsync(thread);
        await stream.ToEndAsync();

        Assert.Equal("done", stream.Types.LastOrDefault() ?? $"{stream.Status} {await stream.BodyAsync()} {sendcat.Api.Process.Output}");
        Assert.All((await guest.MessagesAsync(thread)).Skip(1), message => Assert.NotEqual("error", message.TryGetProperty("status", out var status) ? status.GetString() : null));
        await guest.SayAsync(thread, "[[emu chunks=1]]");
        await using var next = await guest.ChatAsync(thread);
        Assert.Equal("done", (await next.ToEndAsync())[^1].GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("x")]
    [InlineData("model;drop-table")]
    public async Task A_model_that_cannot_be_one_is_an_error_of_the_request(string model)
    {
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("hi"), model);
        if (stream.Status == HttpStatusCode.OK)
        {
            await stream.ToEndAsync();
            Assert.Contains(stream.Types[^1], new[] { "done", "error" });
            Assert.True(stream.Types[^1] == "done" || stream.Seen[^1].GetProperty("code").GetString() == "upstream_bad_request");
        }
        else
        {
            await stream.Response.RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ui,sendcat")]
    [InlineData("")]
    public async Task A_dialect_that_is_none_is_passed_over(string dialect)
    {
        await using var stream = await guest.ChatAsync(await guest.AskingAsync("[[emu chunks=1]]"), query: $"?stream={dialect}&stream=x");
        await stream.ToEndAsync();
        Assert.Equal("done", stream.Types[^1]);
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
    }

    [Fact]
    public async Task Health_tells_a_stranger_only_whether_it_goes_well()
    {
        foreach (var bearer in new[] { null, "wrong", Forger.Token(TimeProvider.System.GetUtcNow().AddHours(1)) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health");
            request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
            using var answer = await guest.Http.SendAsync(request);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.True(answer.Headers.CacheControl!.NoStore);
            var told = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal(["ok", "mode", "checkedAt"], told.EnumerateObject().Select(property => property.Name));
        }
    }

    [Fact]
    public async Task Health_tells_the_operator_with_which_limits_and_no_secret()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health") { Headers = { Authorization = new("Bearer", SendcatSystem.OpsKey) } };
        using var answer = await guest.Http.SendAsync(request);

        var text = await answer.Content.ReadAsStringAsync();
        var told = JsonDocument.Parse(text).RootElement;
        Assert.Equal("enforce", told.GetProperty("admission").GetProperty("effectiveMode").GetString());
        Assert.True(told.GetProperty("checks").GetProperty("openRouterApiKeyConfigured").GetBoolean());
        Assert.Equal(45_000, told.GetProperty("providerRoutes").GetProperty("primaryTimeoutMs").GetInt32());
        Assert.NotEmpty(told.GetProperty("circuits").EnumerateArray());
        Assert.NotEmpty(told.GetProperty("bulkheads").EnumerateArray());
        Assert.DoesNotContain(SendcatSystem.SigningKey, text, StringComparison.Ordinal);
    }

    private int Traces() => sendcat.Api.Process.Output.Split("   at Sendcat.").Length;

    private static void IsClientError(string answer)
    {
        // A connection that the server only cuts says nothing, which is not too much.
        Assert.Matches("^(HTTP/1.1 (4[0-9][0-9]|505) |$)", answer.Split('\n')[0]);
        Assert.DoesNotContain("Exception", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer, StringComparison.Ordinal);
    }

    private static async Task AreUnauthorizedAsync(HttpClient client)
    {
        using var start = await client.PostAsJsonAsync(Start, new { threadId = Guid.NewGuid() });
        using var ui = await client.PostAsync(Start, new StringContent(Ui(Guid.NewGuid().ToString(), "hi"), Encoding.UTF8, "application/json"));
        using var abort = await client.PostAsJsonAsync(Abort, new { threadId = Guid.NewGuid(), messageId = Guid.NewGuid() });
        using var resume = await client.GetAsync($"/api/chat/{Guid.NewGuid()}/stream");
        foreach (var answer in new[] { start, ui, abort, resume })
        {
            await answer.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string body, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (chunked)
        {
            request.Headers.TransferEncodingChunked = true;
        }

        return await guest.Http.SendAsync(request);
    }

    private async Task<HttpResponseMessage> FromAsync(string origin, string method, string path, string? body = "{}")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { { "Origin", origin } } };
        if (body is not null && method is not ("GET" or "OPTIONS"))
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return await guest.Http.SendAsync(request);
    }

    /// <summary>The star becomes as many letters as the whole needs to have so many bytes; without one they follow the last message.</summary>
    private static string Padded(string json, int bytes)
    {
        json = json.Contains('*', StringComparison.Ordinal) ? json : json[..^1] + ",\"more\":\"*\"}";
        return json.Replace("*", new string('a', bytes - json.Length + 1), StringComparison.Ordinal);
    }

    private static string Ui(string thread, string text) => JsonSerializer.Serialize(UiBody(thread, text, "m1"));

    private static object UiBody(string thread, string text, string messageId) => new
    {
        id = thread,
        trigger = "submit-message",
        messages = new object[] { new { id = messageId, role = "user", parts = new object[] { new { type = "text", text } } } },
    };
}
