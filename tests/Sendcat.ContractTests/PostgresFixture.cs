using Sendcat.TestKit.Stores;

namespace Sendcat.ContractTests;

/// <summary>One Postgres server and one Redis server for the whole test run. Each caller gets a new database of either.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly SemaphoreSlim _starting = new(1);
    private PostgresServer _server = null!;
    private RedisServer _redis = null!;
    private SendcatApi? _shared;

    public async ValueTask InitializeAsync() => (_server, _redis) = (await PostgresServer.StartAsync(), await RedisServer.StartAsync());

    public Task StartAsync() => _server.StartAgainAsync();

    /// <summary>Kills the Postgres process; its clients get no notification.</summary>
    public Task StopAsync() => _server.KillAsync();

    /// <summary>Suspends the Postgres processes: connections stay open, new ones are accepted, and nothing responds.</summary>
    public Task FreezeAsync() => _server.PauseAsync();

    public Task UnfreezeAsync() => _server.ResumeAsync();

    /// <summary>Creates an empty database. Its connection pool is limited to 20, because many hosts share the server.</summary>
    public async Task<string> CreateDatabaseAsync() => $"{await _server.CreateDatabaseAsync()};Maximum Pool Size=20";

    /// <summary>Creates a database with all migrations of this build applied. Its connection pool is limited to 20.</summary>
    public async Task<string> CreateMigratedDatabaseAsync() => $"{await MigratedDatabase.CreateAsync(_server)};Maximum Pool Size=20";

    public string CreateRedis() => _redis.CreateDatabase();

    /// <summary>
    /// The API with default settings, an operator key and three allowed origins. All tests that need no other settings share it;
    /// they stay independent because each uses its own users and sessions.
    /// </summary>
    public async Task<SendcatApi> ApiAsync()
    {
        await _starting.WaitAsync();
        try
        {
            return _shared ??= await SendcatApi.StartAsync(
                this,
                new()
                {
                    ["ALLOWED_ORIGINS"] = "http://localhost:3000,http://localhost:3100,http://localhost:5173",
                    ["OPS_API_KEY"] = SendcatApi.OpsKey,
                });
        }
        finally
        {
            _starting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_shared is not null)
        {
            await _shared.DisposeAsync();
        }

        _starting.Dispose();
        await _server.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
