namespace Sendcat.TestKit.Stores;

/// <summary>
/// One server of each kind for a test assembly, started when first asked for. Put <c>[assembly: AssemblyFixture(typeof(SharedStores))]</c> into the assembly and take it
/// as a constructor parameter. A test that stops or freezes a server starts one for itself.
/// </summary>
public sealed class SharedStores : IAsyncDisposable
{
    private readonly Lazy<Task<RedisServer>> redis = new(RedisServer.StartAsync);
    private readonly Lazy<Task<PostgresServer>> postgres = new(() => PostgresServer.StartAsync());
    private readonly Lazy<Task<RabbitMqServer>> rabbitMq = new(RabbitMqServer.StartAsync);

    public Task<RedisServer> RedisAsync() => redis.Value;

    public Task<PostgresServer> PostgresAsync() => postgres.Value;

    public Task<RabbitMqServer> RabbitMqAsync() => rabbitMq.Value;

    public async ValueTask DisposeAsync()
    {
        await StopAsync(redis);
        await StopAsync(postgres);
        await StopAsync(rabbitMq);
    }

    /// <summary>One that did not start has told so to the test that asked for it.</summary>
    private static async Task StopAsync<TServer>(Lazy<Task<TServer>> server)
        where TServer : StoreServer
    {
        if (server is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
        {
            await (await server.Value).DisposeAsync();
        }
    }
}
