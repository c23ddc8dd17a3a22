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
    public async Task Every_API_response_has_no_store_and_security_headers(string method, string path, int status)
    {
        var api = await postgres.ApiAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await api.Anyone.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.True(response.Headers.CacheControl!.NoStore);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("DENY", Assert.Single(response.Headers.GetValues("X-Frame-Options")));
        Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        Assert.Contains(
            "default-src 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Empty(response.Headers.Server);
        Assert.False(response.Headers.Contains("X-Powered-By"));
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task A_HEAD_request_returns_the_status_and_content_type_of_a_GET_without_the_body(string path)
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
