using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.SearchGlobal;
using Sendcat.ToolWorker.SearchProducts;
using Sendcat.ToolWorker.SearchWeb;
using Sendcat.ToolWorker.Taxonomy;
using Sendcat.ToolWorker.Upstreams;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ToolWorkers;

/// <summary>The tool handlers of a worker, and one HTTP server for all their upstreams with responses that the test sets.</summary>
internal sealed class UpstreamRig : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<Request> _requests = [];
    private readonly ConcurrentDictionary<string, Func<Request, Task<Response>>> _responses = new(StringComparer.Ordinal);
    private ServiceProvider? _services;

    private UpstreamRig()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(RespondAsync);
    }

    public Uri Address => new(_server.Urls.Single());

    /// <summary>All requests, in the order of their arrival.</summary>
    public IReadOnlyList<Request> Requests => [.. _requests];

    /// <param name="database">Null: no database is available.</param>
    public static async Task<UpstreamRig> StartAsync(
        SharedStores stores, NpgsqlDataSource? database = null, params (string Name, string Value)[] knobs)
    {
        var rig = new UpstreamRig();
        await rig._server.StartAsync();
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["SERPER_BASE_URL"] = rig._server.Urls.Single(),
            ["SERPAPI_BASE_URL"] = rig._server.Urls.Single(),
            ["EBAY_BASE_URL"] = rig._server.Urls.Single(),
            ["SERPER_API_KEY"] = "serper-key",
            ["EBAY_CLIENT_ID"] = "id",
            ["EBAY_CLIENT_SECRET"] = "secret",
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddSingleton<IConnectionMultiplexer>(
            await ConnectionMultiplexer.ConnectAsync((await stores.RedisAsync()).CreateDatabase()));
        services.AddSingleton(database ?? NpgsqlDataSource.Create("Host=127.0.0.1;Port=1"));
        rig._services = services.AddReliability().AddIntegrations().AddUpstreams().AddSearchWeb().AddSearchProducts().AddSearchGlobal()
            .AddTaxonomy().BuildServiceProvider();
        return rig.On(
            "/identity/v1/oauth2/token", """{"access_token":"token-1","expires_in":7200,"token_type":"Application Access Token"}""");
    }

    public T Get<T>()
        where T : notnull => _services!.GetRequiredService<T>();

    /// <summary>Sets the response to requests of this path. An unknown path is 404.</summary>
    public UpstreamRig On(string path, string json, int status = 200) => On(path, _ => new(status, json));

    /// <inheritdoc cref="On(string, string, int)"/>
    public UpstreamRig On(string path, Func<Request, Response> respond) => OnAsync(path, request => Task.FromResult(respond(request)));

    /// <inheritdoc cref="On(string, string, int)"/>
    public UpstreamRig OnAsync(string path, Func<Request, Task<Response>> respond)
    {
        _responses[path] = respond;
        return this;
    }

    /// <summary>Never responds to requests of this path.</summary>
    public UpstreamRig OnHang(string path) => OnAsync(path, _ => new TaskCompletionSource<Response>().Task);

    /// <summary>The number of requests of this path so far.</summary>
    public int RequestCount(string path) => _requests.Count(request => request.Path == path);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _services!.DisposeAsync();
    }

    private async Task RespondAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = new Request(
            context.Request.Path,
            context.Request.QueryString.Value ?? "",
            await reader.ReadToEndAsync(),
            context.Request.Headers.ToDictionary(
                header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        _requests.Enqueue(request);
        Response response;
        try
        {
            response = _responses.TryGetValue(request.Path, out var respond)
                ? await respond(request).WaitAsync(context.RequestAborted)
                : new(404, "{}");
        }
        catch (OperationCanceledException)
        {
            return;
        }

        context.Response.StatusCode = response.Status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(response.Json);
    }

    internal sealed record Request(string Path, string Query, string Body, IReadOnlyDictionary<string, string> Headers);

    internal sealed record Response(int Status, string Json);
}
