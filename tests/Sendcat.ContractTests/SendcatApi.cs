using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Sendcat.ContractTests;

/// <summary>The real API on Kestrel with its own Postgres and Redis databases. A test can change settings and services.</summary>
public sealed class SendcatApi : IAsyncDisposable
{
    private readonly ApiHost _host;

    private SendcatApi(ApiHost host, string database)
    {
        _host = host;
        ConnectionString = database;
        Database = NpgsqlDataSource.Create(database);
        Anyone = host.CreateClient();
        Navigator = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = host.Address };
    }

    /// <summary>The operator key of the API of <see cref="PostgresFixture.ApiAsync"/>.</summary>
    public const string OpsKey = "operator key of the shared api";

    public const string SigningKey = "a signing key for tests, long enough to sign";

    /// <summary>A client that sends neither a token nor a session.</summary>
    public HttpClient Anyone { get; }

    /// <summary>Like <see cref="Anyone"/>, without following redirects.</summary>
    public HttpClient Navigator { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource Database { get; }

    public IServiceProvider Services => _host.Services;

    /// <param name="environment">The environment name: <c>Production</c> or <c>Development</c>.</param>
    public static async Task<SendcatApi> StartAsync(
        PostgresFixture postgres, Dictionary<string, string>? settings = null, Action<IServiceCollection>? services = null,
        string environment = "Production")
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        Dictionary<string, string?> all = new()
        {
            ["ConnectionStrings:sendcatdb"] = database,
            ["ConnectionStrings:redis"] = postgres.CreateRedis(),
            ["ConnectionStrings:messaging"] = "amqp://guest:guest@127.0.0.1:1",
            ["CHAT_MODEL_CATALOGUE_ENABLED"] = "false",
            ["AUTH_SIGNING_KEY"] = SigningKey,
            // The default is a folder below the project of the API.
            ["FILES_FOLDER"] = Path.Combine(AppContext.BaseDirectory, "files"),

            // Redis may respond late on a machine that runs tests. Other tests check the behaviour in this case.
            ["REDIS_DECISION_TIMEOUT_MS"] = "1000",

            // All tests call from one address, so the limits per address are far above what they use.
            ["READS_PER_ADDRESS_PER_MIN"] = "1000000",
            ["RATE_LIMIT_CHAT_IP_MAX"] = "1000000",
            ["RATE_LIMIT_AUTH_MAX"] = "100000",
            ["OPS_KEY_FAILURES_PER_ADDRESS_PER_MIN"] = "1000",
            ["RATE_LIMIT_ANON_SESSION_MAX"] = "1000000",
        };
        foreach (var (name, value) in settings ?? [])
        {
            all[name] = value;
        }

        return new(await ApiHost.StartAsync(environment, all, services), database);
    }

    /// <summary>A client with a new signed anonymous session.</summary>
    public async Task<HttpClient> GuestAsync()
    {
        var session = await (await Anyone.PostAsync("/api/auth/anonymous", null)).JsonAsync();
        return WithSession((string)session["sessionId"]!);
    }

    public HttpClient WithSession(string session)
    {
        var client = _host.CreateClient();
        client.DefaultRequestHeaders.Add("x-sendcat-session", session);
        return client;
    }

    /// <summary>A client with a token or an operator's key, which gives a reason for its changes.</summary>
    public HttpClient WithBearer(string token)
    {
        var client = _host.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        client.DefaultRequestHeaders.Add("x-sendcat-reason", "a test");
        return client;
    }

    /// <summary>Registers a user and signs in. With <paramref name="sessionId"/>, the sign-in claims the threads of that session.</summary>
    public async Task<(HttpClient Client, JsonNode Tokens)> UserAsync(
        string email = "ann@example.com", string password = "correct horse 1", string? sessionId = null)
    {
        (await Anyone.PostAsJsonAsync("/api/auth/register", new { email, password })).EnsureSuccessStatusCode();
        var tokens = await (await Anyone.PostAsJsonAsync("/api/auth/login", new { email, password, sessionId })).JsonAsync();
        return (WithBearer((string)tokens["accessToken"]!), tokens);
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Navigator.Dispose();
        await _host.DisposeAsync();
        await Database.DisposeAsync();
    }
}

/// <summary>Reads and checks HTTP responses of the API.</summary>
public static class ResponseAssertions
{
    /// <summary>Checks that the status is a success and parses the body.</summary>
    public static async Task<JsonNode> JsonAsync(this HttpResponseMessage response)
    {
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    /// <summary>
    /// Checks the status, the error code and the media type of an error response, and that its text contains
    /// no exception, stack frame or type name.
    /// </summary>
    /// <returns>The error text.</returns>
    public static async Task<string> RefusedAsync(this HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode} {text}");
        Assert.Equal(code, Assert.Single(response.Headers.GetValues("x-sendcat-error-code")));
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Sendcat.ApiService", text, StringComparison.Ordinal);
        return text;
    }

    public static HttpContent AsJson(this string json) => new StringContent(json, System.Text.Encoding.UTF8, "application/json");
}
