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

/// <summary>The worker's handlers, and a server of the test's that answers for all their upstreams.</summary>
internal sealed class UpstreamRig : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<Question> _questions = [];
    private readonly ConcurrentDictionary<string, Func<Question, Task<Answer>>> _answers = new(StringComparer.Ordinal);
    private ServiceProvider? _services;

    private UpstreamRig()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public Uri Address => new(_server.Urls.Single());

    public IReadOnlyList<Question> Questions => [.. _questions];

    public static async Task<UpstreamRig> StartAsync(SharedStores stores, NpgsqlDataSource? database = null, params (string Name, string Value)[] knobs)
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

        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync((await stores.RedisAsync()).CreateDatabase()));
        services.AddSingleton(database ?? NpgsqlDataSource.Create("Host=127.0.0.1;Port=1"));
        rig._services = services.AddReliability().AddIntegrations().AddUpstreams().AddSearchWeb().AddSearchProducts().AddSearchGlobal().AddTaxonomy().BuildServiceProvider();
        return rig.On("/identity/v1/oauth2/token", """{"access_token":"token-1","expires_in":7200,"token_type":"Application Access Token"}""");
    }

    public T Get<T>()
        where T : notnull => _services!.GetRequiredService<T>();

    public UpstreamRig On(string path, string json, int status = 200) => On(path, _ => new(status, json));

    public UpstreamRig On(string path, Func<Question, Answer> answer) => OnLater(path, question => Task.FromResult(answer(question)));

    public UpstreamRig OnLater(string path, Func<Question, Task<Answer>> answer)
    {
        _answers[path] = answer;
        return this;
    }

    /// <summary>Takes questions and never answers.</summary>
    public UpstreamRig OnNever(string path) => OnLater(path, _ => new TaskCompletionSource<Answer>().Task);

    public int Asked(string path) => _questions.Count(question => question.Path == path);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _services!.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var question = new Question(context.Request.Path, context.Request.QueryString.Value ?? "", await reader.ReadToEndAsync(), context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        _questions.Enqueue(question);
        Answer answer;
        try
        {
            answer = _answers.TryGetValue(question.Path, out var known) ? await known(question).WaitAsync(context.RequestAborted) : new(404, "{}");
        }
        catch (OperationCanceledException)
        {
            return;
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.Json);
    }

    internal sealed record Question(string Path, string Query, string Body, IReadOnlyDictionary<string, string> Headers);

    internal sealed record Answer(int Status, string Json);
}
