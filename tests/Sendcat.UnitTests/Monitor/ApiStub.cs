using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.UnitTests.Monitor;

/// <summary>An HTTP server in place of the chat API. A test maps its responses; the stub records the requests.</summary>
internal sealed class ApiStub : IAsyncDisposable
{
    private readonly WebApplication _server;

    private ApiStub(WebApplication server) => _server = server;

    public Uri Address => new($"{_server.Urls.First()}/");

    /// <summary>Method and path of each request, in order of arrival.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>The body of the last request.</summary>
    public string LastBody { get; private set; } = "";

    public static async Task<ApiStub> StartAsync(Action<WebApplication, ApiStub> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var stub = new ApiStub(app);
        app.Use(async (http, next) =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync(http.RequestAborted);
            lock (stub.Requests)
            {
                stub.Requests.Add($"{http.Request.Method} {http.Request.Path}");
                stub.LastBody = body;
            }

            await next(http);
        });
        map(app, stub);
        await app.StartAsync();
        return stub;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
