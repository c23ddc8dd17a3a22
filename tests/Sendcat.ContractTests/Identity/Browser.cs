using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace Sendcat.ContractTests.Identity;

/// <summary>Keeps and sends cookies as a browser over TLS does: a client of .NET would not send secure ones without TLS.</summary>
internal sealed class Browser(SendcatApi api)
{
    public const string Origin = "http://localhost:3000";
    public const string Password = "correct horse 1";

    private readonly string _email = $"{Guid.NewGuid():N}@example.com";

    public Dictionary<string, SetCookieHeaderValue> Cookies { get; } = new(StringComparer.Ordinal);

    public string CookieHeader => string.Join("; ", Cookies.Values.Select(cookie => $"{cookie.Name}={cookie.Value}"));

    /// <summary>Registers a new account and signs in with cookies.</summary>
    public async Task<HttpResponseMessage> SignInAsync()
    {
        (await api.Anyone.PostAsJsonAsync("/api/auth/register", new { email = _email, password = Password })).EnsureSuccessStatusCode();
        var response = await SendAsync(HttpMethod.Post, "/api/auth/cookie/login", new { email = _email, password = Password });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, string? origin = Origin)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : JsonContent.Create(body, options: JsonSerializerOptions.Web);
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        if (Cookies.Count > 0)
        {
            request.Headers.Add("Cookie", CookieHeader);
        }

        var response = await api.Navigator.SendAsync(request);
        foreach (var set in response.Headers.TryGetValues("Set-Cookie", out var values) ? SetCookieHeaderValue.ParseList([.. values]) : [])
        {
            if (set.MaxAge == TimeSpan.Zero)
            {
                Cookies.Remove(set.Name.ToString());
            }
            else
            {
                Cookies[set.Name.ToString()] = set;
            }
        }

        return response;
    }
}
