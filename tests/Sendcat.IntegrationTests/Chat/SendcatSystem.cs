using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// A running Sendcat: real stores, the emulator of all upstreams, and the requested numbers of API replicas and tool workers.
/// </summary>
internal sealed class SendcatSystem : IAsyncDisposable
{
    public const string SigningKey = "a-signing-key-for-tests-that-is-long-enough-0123456789";
    public const string OpsKey = "ops-key-for-tests";

    private const string Broker = "ConnectionStrings__messaging";

    private readonly List<IAsyncDisposable> _owned = [];
    private readonly Dictionary<string, string?> _environment = [];

    private SendcatSystem()
    {
    }

    /// <summary>The emulator of the model provider and of all other upstreams.</summary>
    public required UpstreamEmulatorHost Model { get; init; }

    /// <summary>The connection string of Redis.</summary>
    public required string Redis { get; init; }

    /// <summary>The connection string of Postgres.</summary>
    public required string Database { get; init; }

    public List<Replica> Replicas { get; } = [];

    public List<WorkerProcess> Workers { get; } = [];

    /// <summary>The first replica.</summary>
    public Replica Api => Replicas[0];

    /// <summary>Starts replicas inside the test process, which is fast.</summary>
    /// <param name="stores">The servers that all tests share. The system gets its own database in each.</param>
    public static async Task<SendcatSystem> StartAsync(SharedStores stores, int replicas = 1, params (string Name, string Value)[] knobs) =>
        await StartAsync(
            (await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), replicas,
            knobs);

    /// <summary>Starts replicas inside the test process, on servers that belong to the test.</summary>
    public static Task<SendcatSystem> StartAsync(string redis, string database, int replicas, params (string Name, string Value)[] knobs) =>
        StartAsync(redis, database, replicas, processes: false, knobs);

    /// <summary>Starts replicas as separate processes, which a test can kill and suspend and whose log it can read.</summary>
    public static async Task<SendcatSystem> StartProcessesAsync(
        SharedStores stores, int replicas = 1, params (string Name, string Value)[] knobs) =>
        await StartProcessesAsync(
            (await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), replicas,
            knobs);

    /// <inheritdoc cref="StartProcessesAsync(SharedStores, int, (string Name, string Value)[])"/>
    public static Task<SendcatSystem> StartProcessesAsync(
        string redis, string database, int replicas, params (string Name, string Value)[] knobs) =>
        StartAsync(redis, database, replicas, processes: true, knobs);

    /// <summary>Starts replicas with a broker and with tool workers. Workers are always separate processes.</summary>
    /// <param name="stores">The servers that all tests share. The system gets its own database in each and its own virtual host.</param>
    public static async Task<SendcatSystem> StartWithToolsAsync(
        SharedStores stores, int replicas, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartAsync(stores, replicas, [await BrokerAsync(stores), .. knobs]), workers);

    /// <summary>Starts one replica with a broker and with tool workers, on servers that belong to the test.</summary>
    public static async Task<SendcatSystem> StartWithToolsAsync(
        string redis, string database, string broker, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartAsync(redis, database, replicas: 1, [(Broker, broker), .. knobs]), workers);

    /// <inheritdoc cref="StartWithToolsAsync(SharedStores, int, int, (string Name, string Value)[])"/>
    public static async Task<SendcatSystem> StartProcessesWithToolsAsync(
        SharedStores stores, int replicas, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartProcessesAsync(stores, replicas, [await BrokerAsync(stores), .. knobs]), workers);

    /// <summary>Starts another replica inside the test process.</summary>
    /// <param name="knobs">Only for this replica.</param>
    public async Task<Replica> AddReplicaAsync(params (string Name, string Value)[] knobs) =>
        Track(new(await ApiHost.StartAsync("Development", EnvironmentWith(knobs))));

    /// <summary>Starts another replica as a separate process.</summary>
    /// <param name="knobs">Only for this replica.</param>
    public Task<Replica> AddProcessAsync(params (string Name, string Value)[] knobs) => AddProcessAsync(null, knobs);

    /// <summary>Starts another replica as a separate process with a limit of file descriptors.</summary>
    /// <param name="descriptors">The maximum number of open file descriptors; null: the limit of the test process.</param>
    /// <param name="knobs">Only for this replica.</param>
    public async Task<Replica> AddProcessAsync(int? descriptors, params (string Name, string Value)[] knobs) =>
        Track(new(await ApiProcess.StartAsync(EnvironmentWith(knobs), descriptors)));

    /// <summary>Starts another tool worker. A replica must have started before, because replicas migrate the database.</summary>
    public async Task<WorkerProcess> AddWorkerAsync()
    {
        var worker = await WorkerProcess.StartAsync(_environment);
        _owned.Add(worker);
        Workers.Add(worker);
        return worker;
    }

    /// <summary>A client of the first replica with a new anonymous session.</summary>
    public Task<SendcatClient> GuestAsync() => SendcatClient.GuestAsync(Api.Address);

    public async ValueTask DisposeAsync()
    {
        foreach (var resource in Enumerable.Reverse(_owned))
        {
            await resource.DisposeAsync();
        }
    }

    private static async Task<(string Name, string Value)> BrokerAsync(SharedStores stores) =>
        (Broker, await (await stores.RabbitMqAsync()).CreateVirtualHostAsync());

    private static async Task<SendcatSystem> StartAsync(
        string redis, string database, int replicas, bool processes, (string Name, string Value)[] knobs)
    {
        var model = await UpstreamEmulatorHost.StartAsync();
        var system = new SendcatSystem { Model = model, Redis = redis, Database = database };
        system._owned.Add(model);
        foreach (var (name, value) in new (string, string)[]
        {
            ("ConnectionStrings__redis", redis),
            ("ConnectionStrings__sendcatdb", database),
            (Broker, "amqp://guest:guest@127.0.0.1:1"),
            ("OPENROUTER_BASE_URL", model.OpenRouterH2c.ToString()),
            ("OPENROUTER_HTTP_VERSION", "2"),
            ("OPENROUTER_API_KEY", "test"),
            ("SERPER_BASE_URL", model.Serper.ToString()),
            ("SERPAPI_BASE_URL", model.SerpApi.ToString()),
            ("EBAY_BASE_URL", model.Ebay.ToString()),
            ("RESEND_BASE_URL", model.Resend.ToString()),
            ("RESEND_API_KEY", "test"),
            ("SERPER_API_KEY", "test"),
            ("EBAY_CLIENT_ID", "test"),
            ("EBAY_CLIENT_SECRET", "test"),
            ("AUTH_SIGNING_KEY", SigningKey),
            ("OPS_API_KEY", OpsKey),
            ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"),
            // Turns that a test leaves running do not delay the stop of the replicas.
            ("CHAT_DRAIN_MS", "0"),
            // Nearly all callers are guests of one address. FairShareTests covers the shares.
            ("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT", "100"),
            ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "100"),
            // Parallel tests may delay responses of Redis beyond the default. Other tests cover slow responses.
            ("REDIS_DECISION_TIMEOUT_MS", "1000"),
        }.Concat(knobs))
        {
            system._environment[name] = value;
        }

        for (var i = 0; i < replicas; i++)
        {
            _ = processes ? await system.AddProcessAsync() : await system.AddReplicaAsync();
        }

        return system;
    }

    private static async Task<SendcatSystem> WithWorkersAsync(SendcatSystem system, int workers)
    {
        for (var i = 0; i < workers; i++)
        {
            await system.AddWorkerAsync();
        }

        return system;
    }

    private Dictionary<string, string?> EnvironmentWith((string Name, string Value)[] knobs)
    {
        var own = new Dictionary<string, string?>(_environment);
        foreach (var (name, value) in knobs)
        {
            own[name] = value;
        }

        return own;
    }

    private Replica Track(Replica replica)
    {
        _owned.Add(replica);
        Replicas.Add(replica);
        return replica;
    }
}
