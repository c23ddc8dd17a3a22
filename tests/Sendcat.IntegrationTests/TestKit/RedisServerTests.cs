using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.TestKit;

/// <summary>The test kit's Redis server: restart, kill, suspension and separate keyspaces.</summary>
public sealed class RedisServerTests(SharedStores stores)
{
    [Fact]
    public async Task A_restarted_server_keeps_its_port_and_keys()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await redis.GetDatabase().StringSetAsync("parcel", "shoes");

        var port = server.Port;
        await server.StopAsync();
        await server.StartAgainAsync();

        await using var reconnected = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.Equal(port, server.Port);
        Assert.Equal("shoes", await reconnected.GetDatabase().StringGetAsync("parcel"));
    }

    [Fact]
    public async Task A_killed_server_starts_again_without_its_keys()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await redis.GetDatabase().StringSetAsync("parcel", "shoes");

        await server.KillAsync();
        await server.StartAgainAsync();

        await using var reconnected = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.False(await reconnected.GetDatabase().KeyExistsAsync("parcel"));
    }

    [Fact]
    public async Task A_suspended_server_responds_after_it_is_resumed()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await redis.GetDatabase().PingAsync();

        await server.PauseAsync();
        var ping = redis.GetDatabase().PingAsync();
        Assert.False(ping.IsCompleted);
        await server.ResumeAsync();

        await ping;
    }

    [Fact]
    public async Task Every_database_is_a_separate_keyspace()
    {
        var shared = await stores.RedisAsync();
        await using var one = await ConnectionMultiplexer.ConnectAsync(shared.CreateDatabase());
        await using var other = await ConnectionMultiplexer.ConnectAsync(shared.CreateDatabase());

        await one.GetDatabase().StringSetAsync("parcel", "one");

        Assert.False(await other.GetDatabase().KeyExistsAsync("parcel"));
    }
}
