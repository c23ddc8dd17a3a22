using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using RabbitMQ.Client;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;
using Sendcat.Reliability.ToolJobs.Recovery;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;
using Sendcat.ToolWorker.Jobs;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>
/// The tool job queue on real stores, in the test process. Each rig has its own migrated database and Redis keyspace, and its own virtual
/// host if the test needs a broker.
/// </summary>
internal sealed class QueueRig : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly string _broker;
    private readonly Action? _connecting;
    private readonly SemaphoreSlim _connectLock = new(1, 1);
    private IConnection? _connection;

    private QueueRig(
        string database, string redis, string broker, bool sweeps, IReadOnlyList<IToolHandler> handlers,
        IReadOnlyDictionary<string, string?> knobs, Action? connecting)
    {
        (Database, _broker, _connecting) = (NpgsqlDataSource.Create(database), broker, connecting);
        Environment = new Dictionary<string, string?>(knobs, StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = redis,
            ["ConnectionStrings__sendcatdb"] = database,
            ["ConnectionStrings__messaging"] = broker,
        };
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(knobs);
        builder.Services.AddSingleton(Database);
        builder.Services.AddSingleton<IConnectionMultiplexer>(_ => ConnectionMultiplexer.Connect(redis));
        builder.Services.AddReliability().AddIntegrations().AddToolCache().AddToolJobs(_ => ConnectAsync).AddToolQueueWatch();
        if (sweeps)
        {
            builder.Services.AddToolJobSweeper();
        }

        if (handlers.Count > 0)
        {
            foreach (var handler in handlers)
            {
                builder.Services.AddSingleton(handler);
            }

            builder.Services.AddLanes();
        }

        _host = builder.Build();
    }

    public NpgsqlDataSource Database { get; }

    /// <summary>The environment for another process with the same stores and knobs.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    public ToolJobLedger Ledger => Get<ToolJobLedger>();

    public ToolJobLeases Leases => Get<ToolJobLeases>();

    public JobRecovery Recovery => ActivatorUtilities.CreateInstance<JobRecovery>(_host.Services);

    public ToolJobClient Client => Get<ToolJobClient>();

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>Only the tables and the services that use them: no host runs, so nothing is published, signalled or swept.</summary>
    public static Task<QueueRig> DatabaseOnlyAsync(SharedStores stores, params (string Name, string Value)[] knobs) =>
        CreateAsync(stores, new(), "amqp://127.0.0.1:1/", sweeps: false, [], knobs);

    /// <summary>Starts the client of the queue, the publisher and the sweeper, and a worker if there are handlers.</summary>
    /// <param name="own">Servers that belong to the test, which it may stop and kill; null: only shared ones.</param>
    public static async Task<QueueRig> StartAsync(
        SharedStores stores, IReadOnlyList<IToolHandler> handlers, OwnStores? own = null, params (string Name, string Value)[] knobs)
    {
        own ??= new();
        var broker = own.RabbitMq?.ConnectionString ?? await (await stores.RabbitMqAsync()).CreateVirtualHostAsync();
        var rig = await CreateAsync(stores, own, broker, sweeps: true, handlers, knobs);
        await rig._host.StartAsync();
        return rig;
    }

    /// <summary>Starts a worker as a separate process with the knobs of this rig. The caller disposes it.</summary>
    /// <param name="upstream">The address of Serper and eBay for the worker.</param>
    public async Task<TestProcess> StartWorkerAsync(Uri upstream)
    {
        var environment = new Dictionary<string, string?>(Environment)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["AUTH_SIGNING_KEY"] = Convert.ToBase64String(new byte[48]),
            ["SERPER_API_KEY"] = "key",
            ["EBAY_CLIENT_ID"] = "id",
            ["EBAY_CLIENT_SECRET"] = "secret",
        };
        foreach (var address in new[] { "SERPER_BASE_URL", "EBAY_BASE_URL" })
        {
            environment[address] = upstream.ToString();
        }

        var worker = await TestProcess.StartAsync(new ProcessSpec(BuiltProgram.Of("Sendcat.ToolWorker")) { Environment = environment });
        await worker.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        return worker;
    }

    public Task StopAsync() => _host.StopAsync();

    /// <summary>Inserts a job.</summary>
    /// <exception cref="InvalidOperationException">The lane is full.</exception>
    public async Task<Guid> EnterAsync(
        ToolLane lane, string principal = "user:ann", string arguments = "{}", ToolJobCacheSlot? cache = null)
    {
        var entered = await Ledger.EnterAsync(Guid.CreateVersion7(), new(lane, arguments, principal, cache), default);
        return entered.Id ?? throw new InvalidOperationException("The lane is full.");
    }

    /// <summary>Leases the next due job of the lane; fails if there is none.</summary>
    public async Task<LeasedJob> ClaimOneAsync(ToolLane lane) =>
        Assert.Single((await Leases.ClaimAsync(lane, 1, "worker", CancellationToken.None)).Jobs);

    /// <summary>Sets the expiry of the job's lease to the past.</summary>
    public Task ExpireLeaseAsync(Guid job) =>
        ExecuteAsync($"UPDATE reliability.tool_jobs SET lease_expires_at = now() - interval '1 ms' WHERE id = '{job}'");

    /// <summary>Reads a column, or an SQL expression, of the job.</summary>
    public async Task<T> ReadAsync<T>(string column, Guid job)
    {
        await using var command = Database.CreateCommand($"SELECT {column} FROM reliability.tool_jobs WHERE id = '{job}'");
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Counts rows in the reliability schema.</summary>
    /// <param name="fromWhere">A table, with an optional <c>WHERE</c> clause.</param>
    public async Task<long> CountAsync(string fromWhere)
    {
        await using var command = Database.CreateCommand($"SELECT count(*) FROM reliability.{fromWhere}");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The number of statements that wait for a lock. Postgres does not signal a wait, so tests poll this.</summary>
    public async Task<long> CountLockWaitsAsync()
    {
        await using var command = Database.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The one connection of the rig to the broker; opened by the first call.</summary>
    public async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        _connecting?.Invoke();
        await _connectLock.WaitAsync(cancellationToken);
        try
        {
            return _connection ??= await new ConnectionFactory
            {
                Uri = new Uri(_broker), NetworkRecoveryInterval = TimeSpan.FromMilliseconds(200),
            }
                .CreateConnectionAsync(cancellationToken);
        }
        finally
        {
            _connectLock.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable host)
        {
            await host.DisposeAsync();
        }

        if (_connection is { } connection)
        {
            await connection.DisposeAsync();
        }

        _connectLock.Dispose();
        await Database.DisposeAsync();
    }

    private static async Task<QueueRig> CreateAsync(
        SharedStores stores, OwnStores own, string broker, bool sweeps, IReadOnlyList<IToolHandler> handlers,
        (string Name, string Value)[] knobs) =>
        new(
            await MigratedDatabase.CreateForReliabilityAsync(own.Postgres ?? await stores.PostgresAsync()),
            (own.Redis ?? await stores.RedisAsync()).CreateDatabase(),
            broker,
            sweeps,
            handlers,
            knobs.ToDictionary(knob => knob.Name, knob => (string?)knob.Value, StringComparer.Ordinal),
            own.Connecting);
}

/// <summary>The servers that belong to a test; null: the shared one.</summary>
/// <param name="Connecting">Called at each request for the connection to the broker, before it is opened.</param>
internal sealed record OwnStores(
    RedisServer? Redis = null, RabbitMqServer? RabbitMq = null, PostgresServer? Postgres = null, Action? Connecting = null);
