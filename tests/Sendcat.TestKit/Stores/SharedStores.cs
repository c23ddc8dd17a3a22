namespace Sendcat.TestKit.Stores;

/// <summary>
/// One server of each kind for a test assembly, started on first use. Put <c>[assembly: AssemblyFixture(typeof(SharedStores))]</c> into the
/// assembly, and add a constructor parameter of this type to the test class. A test that stops or pauses a server starts its own server.
/// </summary>
public sealed class SharedStores : IAsyncDisposable
{
    private readonly Lazy<Task<RedisServer>> _redis = new(RedisServer.StartAsync);
    private readonly Lazy<Task<PostgresServer>> _postgres = new(() => PostgresServer.StartAsync());
    private readonly Lazy<Task<RabbitMqServer>> _rabbitMq = new(RabbitMqServer.StartAsync);

    public Task<RedisServer> RedisAsync() => _redis.Value;

    public Task<PostgresServer> PostgresAsync() => _postgres.Value;

    public Task<RabbitMqServer> RabbitMqAsync() => _rabbitMq.Value;

    public async ValueTask DisposeAsync()
    {
        await StopAsync(_redis);
        await StopAsync(_postgres);
        await StopAsync(_rabbitMq);
    }

    /// <summary>Stops a started server. When the start failed, the test that requested the server has got the exception.</summary>
    private static async Task StopAsync<TServer>(Lazy<Task<TServer>> server)
        where TServer : StoreServer
    {
        if (server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await server.Value).DisposeAsync();
        }
    }
}
