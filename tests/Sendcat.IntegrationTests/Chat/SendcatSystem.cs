using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Sendcat as it runs: real stores, the emulated upstreams over HTTP, and as many API replicas and tool workers as asked for.</summary>
internal sealed class SendcatSystem : IAsyncDisposable
{
    public const string SigningKey = "a-signing-key-for-tests-that-is-long-enough-0123456789";
    public const string OpsKey = "ops-key-for-tests";

    private const string Broker = "ConnectionStrings__messaging";

    private readonly List<IAsyncDisposable> owned = [];
    private readonly Dictionary<string, string?> environment = [];

    private SendcatSystem()
    {
    }

    public required UpstreamEmulatorHost Model { get; init; }

    public required string Redis { get; init; }

    public required string Database { get; init; }

    public List<Replica> Replicas { get; } = [];

    public List<WorkerProcess> Workers { get; } = [];

    public Replica Api => Replicas[0];

    /// <summary>Replicas inside of this process, which start quickly.</summary>
    /// <param name="stores">Servers shared with other tests; a database of its own is made in each.</param>
    public static async Task<SendcatSystem> StartAsync(SharedStores stores, int replicas = 1, params (string Name, string Value)[] knobs) =>
        await StartAsync((await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), replicas, knobs);

    /// <summary>On servers of the test's own.</summary>
    public static Task<SendcatSystem> StartAsync(string redis, string database, int replicas, params (string Name, string Value)[] knobs) =>
        StartAsync(redis, database, replicas, processes: false, knobs);

    /// <summary>Replicas that can be killed, frozen, measured and read.</summary>
    public static async Task<SendcatSystem> StartProcessesAsync(SharedStores stores, int replicas = 1, params (string Name, string Value)[] knobs) =>
        await StartProcessesAsync((await stores.RedisAsync()).CreateDatabase(), await MigratedDatabase.CreateAsync(await stores.PostgresAsync()), replicas, knobs);

    /// <inheritdoc cref="StartProcessesAsync(SharedStores, int, (string Name, string Value)[])"/>
    public static Task<SendcatSystem> StartProcessesAsync(string redis, string database, int replicas, params (string Name, string Value)[] knobs) =>
        StartAsync(redis, database, replicas, processes: true, knobs);

    /// <summary>With a broker, and workers, always processes of their own, that run the tools.</summary>
    /// <param name="stores">Servers shared with other tests; a virtual host of its own is made, too.</param>
    public static async Task<SendcatSystem> StartWithToolsAsync(SharedStores stores, int replicas, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartAsync(stores, replicas, [await BrokerAsync(stores), .. knobs]), workers);

    /// <summary>With a broker and workers, all on servers of the test's own.</summary>
    public static async Task<SendcatSystem> StartWithToolsAsync(string redis, string database, string broker, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartAsync(redis, database, replicas: 1, [(Broker, broker), .. knobs]), workers);

    /// <inheritdoc cref="StartWithToolsAsync(SharedStores, int, int, (string Name, string Value)[])"/>
    public static async Task<SendcatSystem> StartProcessesWithToolsAsync(SharedStores stores, int replicas, int workers, params (string Name, string Value)[] knobs) =>
        await WithWorkersAsync(await StartProcessesAsync(stores, replicas, [await BrokerAsync(stores), .. knobs]), workers);

    /// <param name="knobs">For this replica alone.</param>
    public async Task<Replica> AddReplicaAsync(params (string Name, string Value)[] knobs) =>
        Added(new(await ApiHost.StartAsync("Development", EnvironmentWith(knobs))));

    /// <param name="knobs">For this replica alone.</param>
    public Task<Replica> AddProcessAsync(params (string Name, string Value)[] knobs) => AddProcessAsync(null, knobs);

    /// <param name="descriptors">What the replica may open at most; null: no limit of its own.</param>
    /// <param name="knobs">For this replica alone.</param>
    public async Task<Replica> AddProcessAsync(int? descriptors, params (string Name, string Value)[] knobs) =>
        Added(new(await ApiProcess.StartAsync(EnvironmentWith(knobs), descriptors)));

    /// <summary>Starts it when the schema is there, which the API sees to.</summary>
    public async Task<WorkerProcess> AddWorkerAsync()
    {
        var worker = await WorkerProcess.StartAsync(environment);
        owned.Add(worker);
        Workers.Add(worker);
        return worker;
    }

    public Task<SendcatClient> GuestAsync() => SendcatClient.GuestAsync(Api.Address);

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(owned))
        {
            await one.DisposeAsync();
        }
    }

    private static async Task<(string Name, string Value)> BrokerAsync(SharedStores stores) => (Broker, await (await stores.RabbitMqAsync()).CreateVirtualHostAsync());

    private static async Task<SendcatSystem> StartAsync(string redis, string database, int replicas, bool processes, (string Name, string Value)[] knobs)
    {
        var model = await UpstreamEmulatorHost.StartAsync();
        var system = new SendcatSystem { Model = model, Redis = redis, Database = database };
        system.owned.Add(model);
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
            ("SERPER_API_KEY", "test"),
            ("EBAY_CLIENT_ID", "test"),
            ("EBAY_CLIENT_SECRET", "test"),
            ("AUTH_SIGNING_KEY", SigningKey),
            ("OPS_API_KEY", OpsKey),
            ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"),
            // Turns that a test leaves behind do not keep its replicas from stopping.
            ("CHAT_DRAIN_MS", "0"),
            // Everybody here is a guest; what guests may have together has tests of its own.
            ("ADMISSION_ADDRESS_MAX_INFLIGHT_PCT", "100"),
            ("ADMISSION_GUEST_MAX_INFLIGHT_PCT", "100"),
            // A machine that is busy with tests may keep Redis waiting; what happens then has tests of its own.
            ("REDIS_DECISION_TIMEOUT_MS", "1000"),
        }.Concat(knobs))
        {
            system.environment[name] = value;
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
        var own = new Dictionary<string, string?>(environment);
        foreach (var (name, value) in knobs)
        {
            own[name] = value;
        }

        return own;
    }

    private Replica Added(Replica replica)
    {
        owned.Add(replica);
        Replicas.Add(replica);
        return replica;
    }
}
