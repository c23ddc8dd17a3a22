using System.Net;

namespace Sendcat.ContractTests.Http;

public sealed class OriginPolicyTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private const string AllowedOrigin = "http://localhost:3000";

    [Theory]
    [InlineData("http://localhost:3000")]
    [InlineData("http://localhost:3100")]
    [InlineData("http://localhost:5173")]
    public async Task An_allowed_origin_gets_CORS_headers_on_success_and_on_error(string origin)
    {
        foreach (var path in new[] { "/api/auth/anonymous", "/api/threads", "/api/nowhere" })
        {
            using var response = await SendAsync(HttpMethod.Post, path, origin);
            Assert.Equal(origin, Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
            Assert.Equal("true", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Credentials")));
            Assert.Equal(
                "x-sendcat-error-code, x-sendcat-error-reason, x-sendcat-thread-id, Retry-After, Content-Disposition, "
                + "x-vercel-ai-ui-message-stream",
                Assert.Single(response.Headers.GetValues("Access-Control-Expose-Headers")));
            Assert.Contains("Origin", response.Headers.Vary);
        }
    }

    [Theory]
    [InlineData("http://localhost:3001")]
    [InlineData("http://localhost:3000.evil.example")]
    [InlineData("https://localhost:3000")]
    [InlineData("http://LOCALHOST:3000")]
    [InlineData("null")]
    public async Task A_foreign_origin_is_refused_before_anything_else(string origin)
    {
        foreach (var path in new[] { "/api/threads", "/api/auth/anonymous", "/api/nowhere" })
        {
            using var response = await SendAsync(HttpMethod.Post, path, origin);
            await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
            Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
            Assert.Contains("Origin", response.Headers.Vary);
        }
    }

    [Theory]
    [InlineData("/API/threads")]
    [InlineData("/Api/auth/anonymous")]
    [InlineData("/%61pi/threads")]
    [InlineData("/x/../api/threads")]
    [InlineData("/nowhere")]
    public async Task A_foreign_origin_is_refused_for_every_spelling_of_the_path(string path)
    {
        using var response = await SendAsync(HttpMethod.Post, path, "https://evil.example");
        await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Outside_development_every_origin_is_refused_unless_configured()
    {
        await using var bare = await SendcatApi.StartAsync(Postgres);
        using var page = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous") { Headers = { { "Origin", AllowedOrigin } } };
        await (await bare.Anyone.SendAsync(page)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        using var program = await bare.Anyone.PostAsync("/api/auth/anonymous", null);
        Assert.Equal(HttpStatusCode.OK, program.StatusCode);
    }

    [Fact]
    public async Task A_request_without_origin_is_allowed()
    {
        using var response = await SendAsync(HttpMethod.Post, "/api/auth/anonymous", null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("/api/chat", "POST, GET, OPTIONS")]
    [InlineData("/api/chat/abort", "POST, GET, OPTIONS")]
    [InlineData("/api/threads/x", "GET, POST, PUT, PATCH, DELETE, OPTIONS")]
    public async Task A_preflight_is_204_and_only_an_allowed_origin_gets_CORS_headers(string path, string methods)
    {
        using var known = await SendAsync(HttpMethod.Options, path, AllowedOrigin);
        using var foreign = await SendAsync(HttpMethod.Options, path, "https://evil.example");

        Assert.Equal(HttpStatusCode.NoContent, known.StatusCode);
        Assert.Equal(AllowedOrigin, Assert.Single(known.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Equal(methods, Assert.Single(known.Headers.GetValues("Access-Control-Allow-Methods")));
        Assert.Equal(
            "Content-Type, Authorization, x-sendcat-session, Idempotency-Key, Last-Event-ID",
            Assert.Single(known.Headers.GetValues("Access-Control-Allow-Headers")));
        Assert.Equal(HttpStatusCode.NoContent, foreign.StatusCode);
        Assert.DoesNotContain(foreign.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_health_endpoint_returns_403_to_a_foreign_preflight_and_200_to_an_allowed_one()
    {
        await (await SendAsync(HttpMethod.Options, "/api/chat/health", "https://evil.example"))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        using var known = await SendAsync(HttpMethod.Options, "/api/chat/health", AllowedOrigin);
        Assert.Equal(HttpStatusCode.OK, known.StatusCode);
        Assert.Equal("GET, OPTIONS", Assert.Single(known.Headers.GetValues("Access-Control-Allow-Methods")));
    }

    [Fact]
    public async Task In_development_the_page_that_the_API_serves_may_call_and_the_names_of_the_machine_are_one_host()
    {
        await using var local = await SendcatApi.StartAsync(Postgres, environment: "Development");
        var port = local.Anyone.BaseAddress!.Port;
        foreach (var origin in new[]
        {
            $"http://localhost:{port}", $"http://127.0.0.1:{port}", $"http://[::1]:{port}", "http://127.0.0.1:3000",
            "http://localhost:5173",
        })
        {
            using var response = await SendFromAsync(local, origin);
            Assert.Equal(
                (origin, HttpStatusCode.OK, origin),
                (origin, response.StatusCode, response.Headers.GetValues("Access-Control-Allow-Origin").Single()));
        }

        foreach (var origin in new[]
        {
            $"https://localhost:{port}", "http://localhost:3001", $"http://localhost.evil.example:{port}", "http://192.0.2.1:3000", "null",
        })
        {
            await (await SendFromAsync(local, origin)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        }

        // A site whose name points at this machine is not the page that the API serves.
        using var rebound = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous")
        {
            Headers = { { "Origin", $"http://evil.example:{port}" }, { "Host", $"evil.example:{port}" } },
        };
        await (await local.Anyone.SendAsync(rebound)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Outside_development_the_host_of_a_request_does_not_allow_its_origin()
    {
        using var response = await SendAsync(
            HttpMethod.Post, "/api/auth/anonymous", Api.Anyone.BaseAddress!.GetLeftPart(UriPartial.Authority));
        await response.RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task The_allowed_origins_are_configurable()
    {
        await using var other = await SendcatApi.StartAsync(
            Postgres, new() { ["ALLOWED_ORIGINS"] = "https://sendcat.app , https://www.sendcat.app" });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous")
        {
            Headers = { { "Origin", "https://www.sendcat.app" } },
        };
        Assert.Equal(HttpStatusCode.OK, (await other.Anyone.SendAsync(request)).StatusCode);
        using var old = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous") { Headers = { { "Origin", AllowedOrigin } } };
        Assert.Equal(HttpStatusCode.Forbidden, (await other.Anyone.SendAsync(old)).StatusCode);
    }

    private static async Task<HttpResponseMessage> SendFromAsync(SendcatApi api, string origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/auth/anonymous");
        request.Headers.TryAddWithoutValidation("Origin", origin);
        return await api.Anyone.SendAsync(request);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? origin)
    {
        using var request = new HttpRequestMessage(method, path);
        if (origin is not null)
        {
            request.Headers.TryAddWithoutValidation("Origin", origin);
        }

        return await Api.Anyone.SendAsync(request);
    }
}
