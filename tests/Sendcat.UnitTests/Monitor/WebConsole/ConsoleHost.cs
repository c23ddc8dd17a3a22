using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.Monitor.Watch;
using Sendcat.Monitor.WebConsole;

namespace Sendcat.UnitTests.Monitor.WebConsole;

/// <summary>A Monitor with the console, in front of a stub of the API.</summary>
internal sealed class ConsoleHost : IAsyncDisposable
{
    public const string Secret = "a secret that all monitors of a test share";
    public const string OperatorKey = "an operator key of a test";
    public const string ViewerKey = "a viewer key of a test";

    private readonly WebApplication _app;

    private ConsoleHost(WebApplication app)
    {
        _app = app;
        Http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new(app.Urls.First()) };
    }

    /// <summary>A client without cookies.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<ConsoleHost> StartAsync(string apis, string secret = Secret, TimeProvider? clock = null)
    {
        var app = WatchProgram.Build(
            [
                "--urls=http://127.0.0.1:0", $"--SENDCAT_API_URL={apis}", $"--CONSOLE_COOKIE_KEY={secret}", $"--OPS_VIEWER_KEY={ViewerKey}",
                "--SENDCAT_WATCH_INTERVAL_MS=600000", "--Logging:LogLevel:Default=None", "--environment=Production",
            ],
            builder =>
            {
                builder.AddWebConsole();
                if (clock is not null)
                {
                    builder.Services.AddSingleton(clock);
                }
            },
            app => app.MapWebConsole());
        await app.StartAsync();
        return new(app);
    }

    /// <summary>What the API does with keys, and an echo of what it was sent.</summary>
    public static void MapApi(WebApplication app, ApiStub stub)
    {
        var wrong = 0;
        app.MapGet("/api/ops/self", (HttpContext http) => http.Request.Headers.Authorization.ToString() switch
        {
            $"Bearer {OperatorKey}" => Results.Json(new { name = "ann (operator)", role = "operator" }),
            $"Bearer {ViewerKey}" => Results.Json(new { name = "viewer", role = "viewer" }),
            _ => Refused(http, Interlocked.Increment(ref wrong) > 2 ? 429 : 401),
        });
        app.Map("/api/ops/{**path}", (HttpContext http) => Results.Json(new
        {
            method = http.Request.Method, path = $"{http.Request.Path}{http.Request.QueryString}",
            key = http.Request.Headers.Authorization.ToString(),
            reason = http.Request.Headers["x-sendcat-reason"].ToString(), body = stub.LastBody,
        }));
        app.MapGet("/api/chat/health", () => Results.Json(new { ok = true, verdict = "ok" }));
    }

    /// <returns>The response, and the cookie as the browser sends it.</returns>
    public async Task<(HttpResponseMessage Response, string Cookie)> SignInAsync(string key)
    {
        using var request = Change(HttpMethod.Post, "api/session", new { key });
        var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var cookie = response.Headers.TryGetValues("Set-Cookie", out var set) ? set.Single().Split(';')[0] : "";
        return (response, cookie);
    }

    /// <summary>A change as the page sends it.</summary>
    public static HttpRequestMessage Change(HttpMethod method, string path, object? body = null, string? cookie = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("x-sendcat-console", "1");
        if (body is not null)
        {
            // The page knows the length of what it sends.
            request.Content!.Headers.ContentLength = JsonSerializer.SerializeToUtf8Bytes(body, JsonSerializerOptions.Web).Length;
        }

        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return request;
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string? cookie = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private static IResult Refused(HttpContext http, int status)
    {
        http.Response.Headers["x-sendcat-error-code"] = status == 401 ? "unauthorized" : "rate_limited";
        http.Response.Headers.RetryAfter = "17";
        return Results.Text("The operator key is missing or wrong", statusCode: status);
    }
}
