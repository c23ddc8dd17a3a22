using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.TestKit;

public sealed class RedisServerTests(SharedStores stores)
{
    [Fact]
    public async Task It_keeps_its_port_and_keys_over_a_restart()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await redis.GetDatabase().StringSetAsync("parcel", "shoes");

        var port = server.Port;
        await server.StopAsync();
        await server.StartAgainAsync();

        await using var again = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.Equal(port, server.Port);
        Assert.Equal("shoes", await again.GetDatabase().StringGetAsync("parcel"));
    }

    [Fact]
    public async Task Killed_it_forgets_and_starts_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        await redis.GetDatabase().StringSetAsync("parcel", "shoes");

        await server.KillAsync();
        await server.StartAgainAsync();

        await using var again = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.False(await again.GetDatabase().KeyExistsAsync("parcel"));
    }

    [Fact]
    public async Task Frozen_it_answers_when_it_is_thawed()
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
    public async Task Every_test_gets_a_keyspace_of_its_own()
    {
        var shared = await stores.RedisAsync();
        await using var mine = await ConnectionMultiplexer.ConnectAsync(shared.CreateDatabase());
        await using var yours = await ConnectionMultiplexer.ConnectAsync(shared.CreateDatabase());

        await mine.GetDatabase().StringSetAsync("parcel", "mine");

        Assert.False(await yours.GetDatabase().KeyExistsAsync("parcel"));
    }
}
