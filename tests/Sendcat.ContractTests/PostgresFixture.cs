using Sendcat.TestKit.Stores;

namespace Sendcat.ContractTests;

/// <summary>One Postgres and one Redis for the whole run, a fresh database of each for whoever asks.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly SemaphoreSlim starting = new(1);
    private PostgresServer server = null!;
    private RedisServer redis = null!;
    private SendcatApi? shared;

    public async ValueTask InitializeAsync() => (server, redis) = (await PostgresServer.StartAsync(), await RedisServer.StartAsync());

    public Task StartAsync() => server.StartAgainAsync();

    /// <summary>At once and without a farewell to its clients.</summary>
    public Task StopAsync() => server.KillAsync();

    /// <summary>Few connections for each: many hosts share the server.</summary>
    public async Task<string> CreateDatabaseAsync() => $"{await server.CreateDatabaseAsync()};Maximum Pool Size=20";

    /// <summary>One that the API finds in the shape of this build.</summary>
    public async Task<string> CreateMigratedDatabaseAsync() => $"{await MigratedDatabase.CreateAsync(server)};Maximum Pool Size=20";

    public string CreateRedis() => redis.CreateDatabase();

    /// <summary>The API with its default settings, an operator and three origins, shared by all tests that do not vary them; they keep apart by using people of their own.</summary>
    public async Task<SendcatApi> ApiAsync()
    {
        await starting.WaitAsync();
        try
        {
            return shared ??= await SendcatApi.StartAsync(this, new() { ["ALLOWED_ORIGINS"] = "http://localhost:3000,http://localhost:3100,http://localhost:5173", ["OPS_API_KEY"] = SendcatApi.OpsKey });
        }
        finally
        {
            starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (shared is not null)
        {
            await shared.DisposeAsync();
        }

        starting.Dispose();
        await server.DisposeAsync();
        await redis.DisposeAsync();
    }
}
