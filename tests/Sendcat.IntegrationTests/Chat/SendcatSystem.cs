using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Sendcat as it runs: real stores, the emulated provider over HTTP, and as many API replicas as asked for.</summary>
internal sealed class SendcatSystem : IAsyncDisposable
{
    public const string SigningKey = "a-signing-key-for-tests-that-is-long-enough-0123456789";
    public const string OpsKey = "ops-key-for-tests";

    private readonly List<IAsyncDisposable> owned = [];
    private readonly Dictionary<string, string?> environment = [];

    private SendcatSystem()
    {
    }

    public required UpstreamEmulatorHost Model { get; init; }

    public required string Redis { get; init; }

    public required string Database { get; init; }

    public List<ApiProcess> Replicas { get; } = [];

    public ApiProcess Api => Replicas[0];

    /// <param name="stores">Servers shared with other tests; a database of its own is made in each.</param>
    public static async Task<SendcatSystem> StartAsync(SharedStores stores, int replicas = 1, params (string Name, string Value)[] knobs)
    {
        var redis = await stores.RedisAsync();
        var postgres = await stores.PostgresAsync();
        return await StartAsync(redis.CreateDatabase(), await postgres.CreateDatabaseAsync(), replicas, knobs);
    }

    public static async Task<SendcatSystem> StartAsync(string redis, string database, int replicas, params (string Name, string Value)[] knobs)
    {
        var model = await UpstreamEmulatorHost.StartAsync();
        var system = new SendcatSystem { Model = model, Redis = redis, Database = database };
        system.owned.Add(model);
        foreach (var (name, value) in new (string, string)[]
        {
            ("ConnectionStrings__redis", redis),
            ("ConnectionStrings__sendcatdb", database),
            ("ConnectionStrings__messaging", "amqp://guest:guest@127.0.0.1:1"),
            ("OPENROUTER_BASE_URL", model.OpenRouterH2c.ToString()),
            ("OPENROUTER_HTTP_VERSION", "2"),
            ("OPENROUTER_API_KEY", "test"),
            ("AUTH_SIGNING_KEY", SigningKey),
            ("OPS_API_KEY", OpsKey),
            ("SENDCAT_ROLLOUT_STAGE", "dev-enforce"),
            // A machine that is busy with tests may keep Redis waiting; what happens then has tests of its own.
            ("REDIS_DECISION_TIMEOUT_MS", "1000"),
        }.Concat(knobs))
        {
            system.environment[name] = value;
        }

        for (var i = 0; i < replicas; i++)
        {
            await system.AddReplicaAsync();
        }

        return system;
    }

    public async Task<ApiProcess> AddReplicaAsync()
    {
        var api = await ApiProcess.StartAsync(environment);
        owned.Add(api);
        Replicas.Add(api);
        return api;
    }

    public Task<SendcatClient> GuestAsync() => SendcatClient.GuestAsync(Api.Address);

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(owned))
        {
            await one.DisposeAsync();
        }
    }
}
