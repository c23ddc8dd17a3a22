using System.Net;

namespace Sendcat.ContractTests.Http;

public sealed class ResponseHeadersTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("POST", "/api/auth/anonymous", 200)]
    [InlineData("GET", "/api/threads", 401)]
    [InlineData("GET", "/api/nowhere", 404)]
    [InlineData("GET", "/API/nowhere", 404)]
    [InlineData("PUT", "/api/chat", 405)]
    [InlineData("GET", "/api/chat/health", 503)]
    public async Task Nothing_under_api_is_stored_or_guessed_at(string method, string path, int status)
    {
        var api = await postgres.ApiAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await api.Anyone.SendAsync(request);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("DENY", Assert.Single(answer.Headers.GetValues("X-Frame-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
        Assert.Contains("default-src 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Empty(answer.Headers.Server);
        Assert.False(answer.Headers.Contains("X-Powered-By"));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task A_head_request_finds_what_a_get_would_find_without_its_body(string path)
    {
        var api = await postgres.ApiAsync();
        using var get = await api.Anyone.GetAsync(path);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await api.Anyone.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (get.StatusCode, head.StatusCode));
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Equal("", await head.Content.ReadAsStringAsync());
    }
}
