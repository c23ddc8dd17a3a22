using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The guards of one process, with connections of its own.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private static readonly (string, string)[] Enforcing =
        [("ADMISSION_REDIS_ENABLED", "true"), ("FF_ADMISSION_ENFORCE", "true"), ("REDIS_DECISION_TIMEOUT_MS", "1000")];

    private readonly ServiceProvider _services;
    private readonly ConnectionMultiplexer _redis;
    private IHostedService[] _running = [];

    private Replica(ServiceProvider services, ConnectionMultiplexer redis) => (_services, _redis) = (services, redis);

    public ClaimStore Claims => Get<ClaimStore>();

    public AdmissionController Admission => Get<AdmissionController>();

    public RateLimiter Limiter => Get<RateLimiter>();

    public Circuits Circuits => Get<Circuits>();

    public Bulkheads Bulkheads => Get<Bulkheads>();

    public LeaseKeeper Keeper => Get<LeaseKeeper>();

    public ReplicaId Id => Get<ReplicaId>();

    public IDatabase Redis => _redis.GetDatabase();

    /// <summary>Admission enforces; decisions wait for a second, since the machine may be busy with other tests. Nothing runs in the background yet.</summary>
    /// <param name="postgres">Null: there is none.</param>
    public static async Task<Replica> ConnectAsync(string redis, string? postgres = null, TimeProvider? time = null, params (string Name, string Value)[] knobs)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(Enforcing.Concat(knobs).GroupBy(knob => knob.Item1).Select(same => KeyValuePair.Create(same.Key, (string?)same.Last().Item2)))
            .Build();
        var connection = await ConnectionMultiplexer.ConnectAsync($"{redis},connectRetry=1,connectTimeout=1000");
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration)
            .AddLogging()
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton<IConnectionMultiplexer>(connection)
            .AddSingleton(_ => NpgsqlDataSource.Create(postgres ?? "Host=127.0.0.1;Port=1;Database=nowhere"))
            .AddReliability().AddIntegrations();
        return new(services.BuildServiceProvider(), connection);
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Starts some of what a host runs in the background.</summary>
    public async Task<Replica> RunAsync(params IEnumerable<IHostedService> upkeep)
    {
        _running = [.. _running, .. upkeep];
        foreach (var service in upkeep)
        {
            await service.StartAsync(TestContext.Current.CancellationToken);
        }

        return this;
    }

    /// <summary>Renewal and beats.</summary>
    public Task<Replica> RunAsync() => RunAsync(Get<LeaseKeeper>(), Get<ReplicaHeartbeat>());

    /// <summary>A turn that must get in.</summary>
    public async Task<AdmissionTicket> AdmitAsync(string stream, string principal) => (await AskAsync(stream, principal)) switch
    {
        AdmissionDecision.Admitted admitted => admitted.Ticket,
        var refused => throw new InvalidOperationException(refused.ToString()),
    };

    public async Task<AdmissionDecision> AskAsync(string stream, string principal, params Claim[] also) =>
        await Admission.AdmitAsync(new() { StreamId = stream, Principal = principal, OtherClaims = also }, default);

    /// <summary>As kill -9 leaves it: gone from Redis without a word.</summary>
    public void Kill()
    {
        _running = [];
        _redis.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _running.Reverse())
        {
            await service.StopAsync(CancellationToken.None);
        }

        await _services.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
