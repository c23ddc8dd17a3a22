using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Programs;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.Attacks.Stage;

/// <summary>Sendcat as strangers meet it: a process in Production at the stage <c>production</c>, real stores, the emulator upstream, secrets of its own.</summary>
internal sealed class AttackedSystem : IAsyncDisposable
{
    /// <summary>The one web origin that may call.</summary>
    public const string Origin = "https://app.sendcat.test";

    /// <summary>Addresses of this domain need no confirmation.</summary>
    public const string ConfirmedDomain = "drill.test";

    private readonly List<IAsyncDisposable> owned = [];
    private readonly TestFolder folder = new("attack");

    private AttackedSystem()
    {
    }

    public RunSecrets Secrets { get; } = new();

    public required UpstreamEmulatorHost Upstreams { get; init; }

    public required string Database { get; init; }

    public ApiProcess Api { get; private set; } = null!;

    /// <summary>Everything that the API and the worker have logged.</summary>
    public string LogFile => folder["log"];

    /// <summary>Users who do nothing wrong, the same for all attacks on this system.</summary>
    public HonestCrowd Honest { get; private set; } = null!;

    public static async Task<AttackedSystem> StartAsync(SharedStores stores, SystemOptions options, int honest = 4)
    {
        var upstreams = await UpstreamEmulatorHost.StartAsync();
        var redis = await stores.RedisAsync();
        var postgres = await stores.PostgresAsync();
        var system = new AttackedSystem { Upstreams = upstreams, Database = await postgres.CreateDatabaseAsync() };
        system.owned.Add(upstreams);
        try
        {
            var broker = options.Tools ? await (await stores.RabbitMqAsync()).CreateVirtualHostAsync() : "amqp://guest:guest@127.0.0.1:1";
            var environment = system.Environment(redis.CreateDatabase(), broker, options.Knobs);
            system.Api = await ApiProcess.StartAsync(environment, options.Descriptors, system.LogFile);
            system.owned.Add(system.Api);
            if (options.Tools)
            {
                system.owned.Add(await WorkerProcess.StartAsync(environment, system.LogFile));
            }

            system.Honest = await HonestCrowd.GatherAsync(system, honest, options.HonestPause);
            system.owned.Add(system.Honest);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public Caller From(IPAddress source, AnswerCount? answers = null) => new(Api.Address, source, answers);

    public Caller Operator(IPAddress source) => From(source).WithBearer(Secrets.OperatorKey);

    /// <summary>A mail address that nobody had before and that is confirmed when it registers.</summary>
    public static string NewEmail() => $"{Guid.NewGuid():N}@{ConfirmedDomain}";

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(owned))
        {
            await one.DisposeAsync();
        }

        folder.Dispose();
    }

    private Dictionary<string, string?> Environment(string redis, string broker, IReadOnlyDictionary<string, string> knobs)
    {
        var environment = new Dictionary<string, string?>
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["SENDCAT_ROLLOUT_STAGE"] = "production",
            ["ALLOWED_ORIGINS"] = Origin,
            ["AUTH_CONFIRMED_DOMAINS"] = ConfirmedDomain,
            ["ConnectionStrings__redis"] = redis,
            ["ConnectionStrings__sendcatdb"] = Database,
            ["ConnectionStrings__messaging"] = broker,
            ["OPENROUTER_BASE_URL"] = Upstreams.OpenRouterH2c.ToString(),
            ["OPENROUTER_HTTP_VERSION"] = "2",
            ["SERPER_BASE_URL"] = Upstreams.Serper.ToString(),
            ["SERPAPI_BASE_URL"] = Upstreams.SerpApi.ToString(),
            ["EBAY_BASE_URL"] = Upstreams.Ebay.ToString(),
            ["OPENROUTER_API_KEY"] = Secrets.ModelKey,
            ["SERPER_API_KEY"] = Secrets.SearchKey,
            ["EBAY_CLIENT_ID"] = "attack-test",
            ["EBAY_CLIENT_SECRET"] = Secrets.ShopKey,
            ["AUTH_SIGNING_KEY"] = Secrets.SigningKey,
            ["OPS_API_KEY"] = Secrets.OperatorKey,
            ["OPS_VIEWER_KEY"] = Secrets.ViewerKey,
            // Honest users here are few and never rest; what the budget of a principal does has tests of its own.
            ["RATE_LIMIT_CHAT_STREAM_MAX"] = "1000",
        };
        foreach (var (name, value) in knobs)
        {
            environment[name] = value;
        }

        return environment;
    }
}
