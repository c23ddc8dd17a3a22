using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// A request with a wrong method, path, origin, identity or thread gets the documented refusal before the rest of it is checked. No
/// refusal logs a stack trace.
/// </summary>
[Collection(nameof(ChatCollection))]
public sealed class BadCallerTests(ChatSystemFixture fixture) : UnusualRequestTests(fixture)
{
    private const string Start = "/api/chat";
    private const string Abort = "/api/chat/abort";

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
    public async Task A_wrong_method_is_405(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await Guest.Http.SendAsync(request);
        await response.RefusedAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }

    [Theory]
    [InlineData("/api/chat/nowhere")]
    [InlineData("/api/chat/x/stream/y")]
    [InlineData("/api/chat//stream")]
    public async Task An_unknown_path_is_404(string path)
    {
        using var response = await Guest.Http.GetAsync(path);
        await response.RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("http://localhost:3000.evil.example")]
    [InlineData("null")]
    [InlineData("*")]
    public async Task A_foreign_origin_is_refused_before_every_other_check(string origin)
    {
        foreach (var (method, path) in new[]
        {
            ("POST", Start), ("GET", Start), ("POST", Abort), ("GET", "/api/chat/x/stream"), ("GET", "/api/chat/health"),
        })
        {
            using var response = await FromAsync(origin, method, path);
            await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            Assert.Null(response.Header("Access-Control-Allow-Origin"));
        }
    }

    [Fact]
    public async Task An_allowed_origin_may_read_the_headers_of_every_response()
    {
        const string allowed = "http://localhost:3000";
        var thread = await Guest.NewThreadAsync();
        foreach (var (method, path, body, status) in new[]
        {
            ("POST", Start, $$"""{"threadId":"{{thread}}"}""", 200), ("POST", Start, "{", 400), ("POST", Start, "{}", 400),
            ("POST", Start, """{"threadId":"x"}""", 403), ("PUT", Start, "{}", 405), ("POST", Abort, "{}", 400),
            ("GET", "/api/chat/x/stream", null, 204), ("GET", "/api/chat/health", null, 200),
        })
        {
            using var response = await FromAsync(allowed, method, path, body);

            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal(
                (allowed, "true"), (response.Header("Access-Control-Allow-Origin"), response.Header("Access-Control-Allow-Credentials")));
            Assert.Contains("x-sendcat-error-code", response.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
            Assert.Contains("Retry-After", response.Header("Access-Control-Expose-Headers"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/api/chat", 204)]
    [InlineData("/api/chat/abort", 204)]
    [InlineData("/api/chat/x/stream", 204)]
    [InlineData("/api/chat/health", 200)]
    public async Task A_preflight_lists_the_allowed_methods_for_an_allowed_origin_only(string path, int status)
    {
        using var allowed = await FromAsync("http://localhost:3000", "OPTIONS", path);
        using var foreign = await FromAsync("https://evil.example", "OPTIONS", path);

        Assert.Equal(status, (int)allowed.StatusCode);
        Assert.Contains("GET", allowed.Header("Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Equal(path.EndsWith("health", StringComparison.Ordinal) ? 403 : 204, (int)foreign.StatusCode);
        Assert.DoesNotContain(foreign.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_request_without_credentials_is_unauthorized_on_every_route()
    {
        using var anonymous = new HttpClient { BaseAddress = Sendcat.Api.Address };
        await AreUnauthorizedAsync(anonymous);
    }

    [Fact]
    public async Task An_invalid_bearer_token_is_unauthorized_even_with_a_valid_session()
    {
        var later = TimeProvider.System.GetUtcNow().AddHours(1);
        foreach (var bearer in new[]
        {
            ForgedTokens.Create(TimeProvider.System.GetUtcNow().AddMinutes(-5)),
            ForgedTokens.Create(later, key: "another-key-that-is-long-enough-to-sign-with"),
            ForgedTokens.Create(later, algorithm: "none"),
            ForgedTokens.Create(later, algorithm: "HS512"),
            ForgedTokens.Create(later, issuer: "elsewhere"),
            ForgedTokens.Create(later)[..^3],
            "nonsense", "a.b.c", new string('a', 5_000), SendcatSystem.OpsKey,
        })
        {
            using var client = new HttpClient
            {
                BaseAddress = Sendcat.Api.Address, DefaultRequestHeaders = { Authorization = new("Bearer", bearer) },
            };
            client.DefaultRequestHeaders.Add("x-sendcat-session", Guest.SessionId);
            await AreUnauthorizedAsync(client);
        }
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer")]
    [InlineData("bearer   ")]
    public async Task An_authorization_header_without_a_bearer_token_is_unauthorized(string authorization)
    {
        using var client = new HttpClient { BaseAddress = Sendcat.Api.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        await AreUnauthorizedAsync(client);
    }

    [Fact]
    public async Task A_session_with_an_invalid_signature_is_unauthorized()
    {
        var dot = Guest.SessionId.LastIndexOf('.');
        foreach (var session in new[]
        {
            Guest.SessionId[..dot], Guest.SessionId[..(dot + 1)] + new string('A', Guest.SessionId.Length - dot - 1), "anon_x.y",
            Guest.SessionId + "x", "auth-someone", "two words",
        })
        {
            using var client = new HttpClient { BaseAddress = Sendcat.Api.Address };
            client.DefaultRequestHeaders.Add("x-sendcat-session", session);
            await AreUnauthorizedAsync(client);
            using var inBody = await Guest.PostAsync(Start, JsonSerializer.Serialize(new { threadId = "x", sessionId = session }));
            Assert.True(inBody.StatusCode == HttpStatusCode.Unauthorized, session);
        }
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_thread_ids_get_the_same_refusal_on_every_route()
    {
        using var owner = await Sendcat.GuestAsync();
        var foreign = await owner.NewThreadAsync("mine");
        var message = (await owner.MessagesAsync(foreign))[0].GetProperty("id").GetString()!;

        foreach (var id in new[]
        {
            foreign, Guid.NewGuid().ToString(), "nonsense", "{" + foreign + "}", foreign.Replace("-", "", StringComparison.Ordinal),
            "' or 1=1 --", "🥭",
        })
        {
            using var start = await Guest.PostAsync(Start, JsonSerializer.Serialize(new { threadId = id }));
            using var regenerate = await Guest.PostAsync(
                Start,
                JsonSerializer.Serialize(
                    new { id, trigger = "regenerate-message", messageId = message, messages = Array.Empty<object>() }));
            using var abort = await Guest.PostAsync(Abort, JsonSerializer.Serialize(new { threadId = id, messageId = message }));
            foreach (var response in new[] { start, regenerate, abort })
            {
                Assert.Equal("Forbidden", await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
            }
        }

        // An id that a client may have invented is not refused by the two requests of stock useChat; BegunThreadTests covers it.
        foreach (var id in new[] { "{" + foreign + "}", "' or 1=1 --", "🥭", new string('x', 65), new string('x', 201) })
        {
            using var ui = await Guest.PostAsync(Start, UseChat.Json(id, "hi"));
            using var resume = await Guest.Http.GetAsync($"/api/chat/{Uri.EscapeDataString(id)}/stream");
            Assert.Equal("Forbidden", await ui.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
            Assert.Equal("Forbidden", await resume.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
        }

        foreach (var id in new[] { foreign, Guid.CreateVersion7().ToString() })
        {
            using var resume = await Guest.Http.GetAsync($"/api/chat/{id}/stream");
            Assert.Equal("Forbidden", await resume.RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
        }

        Assert.Equal("mine", Assert.Single(await owner.MessagesAsync(foreign)).GetProperty("content").GetString());
    }

    [Fact]
    public async Task The_first_failing_check_decides_the_response()
    {
        using var anonymous = new HttpClient { BaseAddress = Sendcat.Api.Address };
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
            using var request = new HttpRequestMessage(new HttpMethod(method), Start)
            {
                Content = new StringContent(body, Encoding.UTF8, type),
            };
            if (origin is not null)
            {
                request.Headers.Add("Origin", origin);
            }

            using var response = await anonymous.SendAsync(request);
            await response.RefusedAsync((HttpStatusCode)status, code);
        }
    }

    [Fact]
    public async Task Health_reports_only_the_status_without_the_operator_key()
    {
        foreach (var bearer in new[] { null, "wrong", ForgedTokens.Create(TimeProvider.System.GetUtcNow().AddHours(1)) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health");
            request.Headers.Authorization = bearer is null ? null : new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await Guest.Http.SendAsync(request);

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True(response.Headers.CacheControl!.NoStore);
            var body = await response.Content.ReadFromJsonAsync<JsonElement>();
            // Tests of this system run beside it and fail turns, so the verdict may have a cause.
            string[] cause = body.GetProperty("verdict").GetString() is "ok" ? [] : ["cause"];
            Assert.Equal(["ok", "mode", "checkedAt", "verdict", .. cause], body.EnumerateObject().Select(property => property.Name));
        }
    }

    [Fact]
    public async Task Health_reports_limits_and_no_secrets_to_the_operator()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/chat/health")
        {
            Headers = { Authorization = new("Bearer", SendcatSystem.OpsKey) },
        };
        using var response = await Guest.Http.SendAsync(request);

        var text = await response.Content.ReadAsStringAsync();
        var body = JsonDocument.Parse(text).RootElement;
        Assert.Equal("enforce", body.GetProperty("admission").GetProperty("effectiveMode").GetString());
        Assert.True(body.GetProperty("checks").GetProperty("openRouterApiKeyConfigured").GetBoolean());
        Assert.Equal(45_000, body.GetProperty("providerRoutes").GetProperty("primaryTimeoutMs").GetInt32());
        Assert.NotEmpty(body.GetProperty("circuits").EnumerateArray());
        Assert.NotEmpty(body.GetProperty("bulkheads").EnumerateArray());
        Assert.DoesNotContain(SendcatSystem.SigningKey, text, StringComparison.Ordinal);
    }

    private static async Task AreUnauthorizedAsync(HttpClient client)
    {
        using var start = await client.PostAsJsonAsync(Start, new { threadId = Guid.NewGuid() });
        using var ui = await client.PostAsync(
            Start, new StringContent(UseChat.Json(Guid.NewGuid().ToString(), "hi"), Encoding.UTF8, "application/json"));
        using var abort = await client.PostAsJsonAsync(Abort, new { threadId = Guid.NewGuid(), messageId = Guid.NewGuid() });
        using var resume = await client.GetAsync($"/api/chat/{Guid.NewGuid()}/stream");
        foreach (var response in new[] { start, ui, abort, resume })
        {
            await response.RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }
    }

    private async Task<HttpResponseMessage> FromAsync(string origin, string method, string path, string? body = "{}")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { { "Origin", origin } } };
        if (body is not null && method is not ("GET" or "OPTIONS"))
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return await Guest.Http.SendAsync(request);
    }
}
