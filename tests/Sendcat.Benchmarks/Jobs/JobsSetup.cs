using System.Security.Cryptography;
using Npgsql;
using Sendcat.Benchmarks.Measure;
using Sendcat.Benchmarks.Targets;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.ServiceDefaults.Broker;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.Benchmarks.Jobs;

/// <summary>
/// Starts stores (PostgreSQL with fsync), upstream and workers in separate processes. The client runs in this process with the service
/// registrations of the API.
/// </summary>
internal sealed class JobsSetup : IAsyncDisposable
{
    private readonly RedisServer _redis;
    private readonly PostgresServer _postgres;
    private readonly RabbitMqServer _broker;
    private readonly List<TestProcess> _workers = [];
    private readonly IHost _host;

    private JobsSetup(
        RedisServer redis, PostgresServer postgres, RabbitMqServer broker, PlainUpstream upstream, Dictionary<string, string?> settings)
    {
        (_redis, _postgres, _broker, Upstream) = (redis, postgres, broker, upstream);
        var builder = Host.CreateEmptyApplicationBuilder(new() { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(settings.Select(
            setting => new KeyValuePair<string, string?>(setting.Key.Replace("__", ":", StringComparison.Ordinal), setting.Value)));
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        builder.AddRedisClient("redis");
        builder.AddSendcatDataSource();
        builder.AddRabbitMQClient("messaging");
        builder.Services.AddReliability()
            .AddIntegrations()
            .AddToolCache()
            .AddToolJobs(services => services.GetRequiredService<BrokerConnection>().OpenAsync);
        _host = builder.Build();
    }

    public PlainUpstream Upstream { get; }

    public ToolJobClient Client => Get<ToolJobClient>();

    public NpgsqlDataSource Database => Get<NpgsqlDataSource>();

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    public static async Task<JobsSetup> StartAsync(
        IReadOnlyDictionary<string, string?> settings, int workers, TimeSpan latency, CancellationToken cancellationToken)
    {
        var (cache, database, messaging, upstream) = (
            RedisServer.StartAsync(), PostgresServer.StartAsync(durable: true), RabbitMqServer.StartAsync(),
            PlainUpstream.StartAsync(latency));
        await Task.WhenAll(cache, database, messaging, upstream);
        var all = new Dictionary<string, string?>(settings)
        {
            ["ConnectionStrings__redis"] = (await cache).ConnectionString,
            ["ConnectionStrings__sendcatdb"] = await (await database).CreateDatabaseAsync(),
            ["ConnectionStrings__messaging"] = (await messaging).ConnectionString,
            ["AUTH_SIGNING_KEY"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(48)),
        };
        foreach (var (name, value) in (await upstream).Settings)
        {
            all[name] = value;
        }

        var setup = new JobsSetup(await cache, await database, await messaging, await upstream, all);
        await ReliabilityDatabase.MigrateAsync(setup.Database, cancellationToken);
        for (var i = 0; i < workers; i++)
        {
            setup._workers.Add(await Worker.StartAsync(all));
        }

        await setup._host.StartAsync(cancellationToken);
        return setup;
    }

    /// <summary>The CPU time until now by process (s).</summary>
    public IReadOnlyDictionary<string, double> Cpu() => new Dictionary<string, double>
    {
        ["client"] =
            ProcessCost.CpuSeconds(Environment.ProcessId)
            - _workers.Sum(worker => ProcessCost.CpuSeconds(worker.Id))
            - Stores().Values.Sum()
            - ProcessCost.CpuSeconds(Upstream.ProcessId),
        ["workers"] = _workers.Sum(worker => ProcessCost.CpuSeconds(worker.Id)),
        ["upstream"] = ProcessCost.CpuSeconds(Upstream.ProcessId),
    }.Concat(Stores()).ToDictionary();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
        foreach (var worker in _workers)
        {
            await worker.StopAsync();
            await worker.DisposeAsync();
        }

        await Upstream.DisposeAsync();
        await _redis.DisposeAsync();
        await _broker.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private Dictionary<string, double> Stores() => new()
    {
        ["postgres"] = ProcessCost.CpuSeconds(_postgres.ProcessId),
        ["rabbitmq"] = ProcessCost.CpuSeconds(_broker.ProcessId),
        ["redis"] = ProcessCost.CpuSeconds(_redis.ProcessId),
    };
}
