using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;
using RabbitMQ.Client.Exceptions;
using Sendcat.ServiceDefaults.Broker;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ServiceDefaults;

/// <summary>A program starts and keeps running while a store is unavailable, and reconnects to it. Its health reports the outage.</summary>
public sealed class StoreOutageTests(SharedStores stores)
{
    [Fact]
    public async Task Redis_may_start_after_the_program()
    {
        await using var server = await RedisServer.StartAsync();
        await server.StopAsync();
        using var host = await RunAsync("redis", server.ConnectionString, builder => builder.AddRedisClient("redis"));

        var redis = host.Services.GetRequiredService<IConnectionMultiplexer>();
        Assert.False(redis.IsConnected);
        await Assert.ThrowsAsync<RedisConnectionException>(() => redis.GetDatabase().PingAsync());
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));

        var restored = new TaskCompletionSource();
        redis.ConnectionRestored += (_, e) => _ = e.ConnectionType == ConnectionType.Interactive && restored.TrySetResult();
        await server.StartAgainAsync();
        await restored.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await redis.GetDatabase().PingAsync();
        await HealthyAsync(host);
    }

    [Fact]
    public async Task The_broker_may_start_after_the_program_and_restart()
    {
        await using var server = await RabbitMqServer.StartAsync();
        await server.StopAsync();
        using var host = await RunAsync("messaging", server.ConnectionString, builder => builder.AddRabbitMQClient("messaging"));
        var broker = host.Services.GetRequiredService<BrokerConnection>();

        await Assert.ThrowsAsync<BrokerUnreachableException>(() => broker.OpenAsync(CancellationToken.None));
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));

        await server.StartAgainAsync();
        var connection = await broker.OpenAsync(CancellationToken.None);
        await HealthyAsync(host);

        var recovered = new TaskCompletionSource();
        connection.RecoverySucceededAsync += (_, _) =>
        {
            recovered.TrySetResult();
            return Task.CompletedTask;
        };
        await server.RestartAsync();
        await recovered.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True((await broker.OpenAsync(CancellationToken.None)).IsOpen);
    }

    [Fact]
    public async Task A_broker_that_accepts_no_messages_is_degraded_until_it_accepts_them_again()
    {
        await using var server = await RabbitMqServer.StartAsync();
        using var logs = new FakeLoggerProvider();
        using var host = await RunAsync("messaging", server.ConnectionString, builder =>
        {
            builder.AddRabbitMQClient("messaging");
            builder.Logging.AddProvider(logs);
        });
        await HealthyAsync(host);

        await server.ControlAsync("set_vm_memory_high_watermark", "0");
        await Eventually.TrueAsync(async () => await HealthAsync(host) == HealthStatus.Degraded);
        Assert.True(host.Services.GetRequiredService<BrokerConnection>().IsBlocked);

        await server.ControlAsync("set_vm_memory_high_watermark", "0.4");
        await Eventually.TrueAsync(async () => await HealthAsync(host) == HealthStatus.Healthy);
        Assert.Equal((1, 1), (Count(5100), Count(5101)));

        int Count(int id) => logs.Collector.GetSnapshot().Count(entry => entry.Id.Id == id);
    }

    [Fact]
    public async Task The_broker_closes_the_connection_of_a_suspended_program_within_seconds()
    {
        using var host = await RunAsync(
            "messaging", (await stores.RabbitMqAsync()).ConnectionString, builder => builder.AddRabbitMQClient("messaging"));

        // It closes a connection that was silent for two heartbeats.
        Assert.InRange(
            (await host.Services.GetRequiredService<BrokerConnection>().OpenAsync(CancellationToken.None)).Heartbeat.TotalSeconds, 1, 10);
    }

    [Fact]
    public async Task The_EF_context_and_the_data_source_use_the_same_database()
    {
        var database = await (await stores.PostgresAsync()).CreateDatabaseAsync();
        using var host = await RunAsync("sendcatdb", database, builder =>
        {
            builder.AddNpgsqlDbContext<NoTables>("sendcatdb");
            builder.AddSendcatDataSource();
        });

        await using var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SELECT current_database()");
        await using var scope = host.Services.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<NoTables>();

        Assert.Equal(new NpgsqlConnectionStringBuilder(database).Database, await command.ExecuteScalarAsync());
        Assert.True(await context.Database.CanConnectAsync());
        await HealthyAsync(host);
    }

    [Fact]
    public async Task Without_Postgres_health_is_degraded_at_first_and_then_unhealthy()
    {
        await using var server = await PostgresServer.StartAsync();
        using var host = await RunAsync("sendcatdb", server.ConnectionString, builder =>
        {
            builder.AddNpgsqlDbContext<NoTables>("sendcatdb");
            builder.AddSendcatDataSource();
        });
        await HealthyAsync(host);

        await server.PauseAsync();

        // A first failure may be a slow response only.
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(host));
    }

    /// <summary>Waits for a healthy result. A check may time out while the machine is busy.</summary>
    private static Task HealthyAsync(IHost host) => Eventually.TrueAsync(async () => await HealthAsync(host) == HealthStatus.Healthy);

    private static async Task<HealthStatus> HealthAsync(IHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    private static async Task<IHost> RunAsync(string name, string connectionString, Action<IHostApplicationBuilder> connect)
    {
        var builder = new HostApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true, EnvironmentName = "Development" });
        builder.Configuration.AddInMemoryCollection([new($"ConnectionStrings:{name}", connectionString)]);
        builder.AddServiceDefaults();
        connect(builder);
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private sealed class NoTables(DbContextOptions<NoTables> options) : DbContext(options);
}
