using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Whoever asks, from wherever, for whatever: the documented refusal, before anything of the turn is looked at.</summary>
[Collection(nameof(ChatCollection))]
public sealed class BadCallerTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private const string Start = "/api/chat";
    private const string Abort = "/api/chat/abort";

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
        foreach (var session in new[] { guest.SessionId[..dot], guest.SessionId[..(dot + 1)] + new string('A', guest.SessionId.Length - dot - 1), "anon_x.y", guest.SessionId + "x", "auth-someone", "two words" })
        {
            using var client = new HttpClient { BaseAddress = sendcat.Api.Address };
            client.DefaultRequestHeaders.Add("x-sendcat-session", session);
            await AreUnauthorizedAsync(client);
            using var inBody = await guest.PostAsync(Start, JsonSerializer.Serialize(new { threadId = "x", sessionId = session }));
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
            using var start = await guest.PostAsync(Start, JsonSerializer.Serialize(new { threadId = id }));
            using var ui = await guest.PostAsync(Start, UseChat.Json(id, "hi"));
            using var again = await guest.PostAsync(Start, JsonSerializer.Serialize(new { id, trigger = "regenerate-message", messageId = message, messages = Array.Empty<object>() }));
            using var abort = await guest.PostAsync(Abort, JsonSerializer.Serialize(new { threadId = id, messageId = message }));
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
            (null, "POST", "application/json", new string('x', 70_000), 413, "payload_too_large"),
            (null, "POST", "application/json", $$"""{"messages":[{{new string(' ', 70_000)}}""", 413, "payload_too_large"),
            (null, "POST", "application/json", $$"""{"threadId":7,"text":"{{new string('x', 70_000)}}"}""", 413, "payload_too_large"),
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

    private static async Task AreUnauthorizedAsync(HttpClient client)
    {
        using var start = await client.PostAsJsonAsync(Start, new { threadId = Guid.NewGuid() });
        using var ui = await client.PostAsync(Start, new StringContent(UseChat.Json(Guid.NewGuid().ToString(), "hi"), Encoding.UTF8, "application/json"));
        using var abort = await client.PostAsJsonAsync(Abort, new { threadId = Guid.NewGuid(), messageId = Guid.NewGuid() });
        using var resume = await client.GetAsync($"/api/chat/{Guid.NewGuid()}/stream");
        foreach (var answer in new[] { start, ui, abort, resume })
        {
            await answer.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
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
}
