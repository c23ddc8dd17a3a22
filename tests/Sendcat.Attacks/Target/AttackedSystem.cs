using System.Net;
using Sendcat.Attacks.Callers;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Programs;
using Sendcat.TestKit.Stores;
using Sendcat.UpstreamEmulator;

namespace Sendcat.Attacks.Target;

/// <summary>
/// The attacked instance: a process of the API in Production at the rollout stage <c>production</c>, real stores, the emulator as upstream,
/// and random secrets.
/// </summary>
internal sealed class AttackedSystem : IAsyncDisposable
{
    /// <summary>The only allowed web origin.</summary>
    public const string Origin = "https://app.sendcat.test";

    /// <summary>Mail addresses of this domain need no confirmation.</summary>
    public const string ConfirmedDomain = "drill.test";

    private readonly List<IAsyncDisposable> _owned = [];
    private readonly TestFolder _folder = new("attack");

    private AttackedSystem()
    {
    }

    public RunSecrets Secrets { get; } = new();

    public required UpstreamEmulatorHost Upstreams { get; init; }

    public required string Database { get; init; }

    public ApiProcess Api { get; private set; } = null!;

    /// <summary>The log of the API and of the worker.</summary>
    public string LogFile => _folder["log"];

    /// <summary>The honest users, the same for all attacks on this system.</summary>
    public HonestUsers Honest { get; private set; } = null!;

    /// <param name="stores">The stores.</param>
    /// <param name="options">The options.</param>
    /// <param name="honest">The number of honest users.</param>
    public static async Task<AttackedSystem> StartAsync(SharedStores stores, SystemOptions options, int honest = 4)
    {
        var upstreams = await UpstreamEmulatorHost.StartAsync();
        var redis = await stores.RedisAsync();
        var postgres = await stores.PostgresAsync();
        var system = new AttackedSystem { Upstreams = upstreams, Database = await postgres.CreateDatabaseAsync() };
        system._owned.Add(upstreams);
        try
        {
            var broker = options.Tools ? await (await stores.RabbitMqAsync()).CreateVirtualHostAsync() : "amqp://guest:guest@127.0.0.1:1";
            var environment = system.Environment(redis.CreateDatabase(), broker, options.Knobs);
            system.Api = await ApiProcess.StartAsync(environment, options.Descriptors, system.LogFile);
            system._owned.Add(system.Api);
            if (options.Tools)
            {
                system._owned.Add(await WorkerProcess.StartAsync(environment, system.LogFile));
            }

            system.Honest = await HonestUsers.CreateAsync(system, honest, options.HonestPause);
            system._owned.Add(system.Honest);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public Caller From(IPAddress source, ResponseCounter? responses = null) => new(Api.Address, source, responses);

    public Caller Operator(IPAddress source) => From(source).WithBearer(Secrets.OperatorKey);

    /// <summary>A new mail address that is confirmed at registration.</summary>
    public static string NewEmail() => $"{Guid.NewGuid():N}@{ConfirmedDomain}";

    public async ValueTask DisposeAsync()
    {
        foreach (var one in Enumerable.Reverse(_owned))
        {
            await one.DisposeAsync();
        }

        _folder.Dispose();
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
            ["RESEND_BASE_URL"] = Upstreams.Resend.ToString(),
            ["OPENROUTER_API_KEY"] = Secrets.ModelKey,
            ["RESEND_API_KEY"] = Secrets.MailKey,
            ["SERPER_API_KEY"] = Secrets.SearchKey,
            ["EBAY_CLIENT_ID"] = "attack-test",
            ["EBAY_CLIENT_SECRET"] = Secrets.ShopKey,
            ["AUTH_SIGNING_KEY"] = Secrets.SigningKey,
            ["OPS_API_KEY"] = Secrets.OperatorKey,
            ["OPS_VIEWER_KEY"] = Secrets.ViewerKey,
            // Few honest users run many turns each. Other tests check the limit of a principal.
            ["RATE_LIMIT_CHAT_STREAM_MAX"] = "1000",
        };
        foreach (var (name, value) in knobs)
        {
            environment[name] = value;
        }

        return environment;
    }
}
