using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Redis;
using Sendcat.Reliability.Slo;
using StackExchange.Redis;

namespace Sendcat.IntegrationTests.Reliability;

/// <summary>The services of <c>AddReliability</c> as one replica has them, with its own Redis connection.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private static readonly (string, string)[] DefaultKnobs =
        [
            ("FF_CHAT_GATEWAY_ENABLED", "true"), ("FF_CHAT_GATEWAY_SHADOW", "false"), ("ADMISSION_REDIS_ENABLED", "true"),
            ("FF_ADMISSION_ENFORCE", "true"), ("REDIS_DECISION_TIMEOUT_MS", "1000"),
        ];

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

    /// <summary>
    /// Creates a replica without background services. Admission enforces, and a decision waits up to 1 s for Redis, because parallel tests
    /// may delay it.
    /// </summary>
    /// <param name="redis">The connection string of Redis.</param>
    /// <param name="postgres">The connection string of Postgres; null: none is available.</param>
    /// <param name="time">Null: the clock of the system.</param>
    /// <param name="knobs">They replace the defaults of this method.</param>
    public static async Task<Replica> ConnectAsync(
        string redis, string? postgres = null, TimeProvider? time = null, params (string Name, string Value)[] knobs)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                DefaultKnobs.Concat(knobs).GroupBy(knob => knob.Item1)
                    .Select(values => KeyValuePair.Create(values.Key, (string?)values.Last().Item2)))
            .Build();
        var connection = await ConnectionMultiplexer.ConnectAsync($"{redis},connectRetry=1,connectTimeout=1000");
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration)
            .AddLogging()
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton<IConnectionMultiplexer>(connection)
            .AddSingleton(_ => NpgsqlDataSource.Create(postgres ?? "Host=127.0.0.1;Port=1;Database=none"))
            .AddReliability().AddServiceLevels().AddIntegrations();
        return new(services.BuildServiceProvider(), connection);
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Starts these background services. They stop when the replica is disposed.</summary>
    public async Task<Replica> RunAsync(params IEnumerable<IHostedService> services)
    {
        _running = [.. _running, .. services];
        foreach (var service in services)
        {
            await service.StartAsync(TestContext.Current.CancellationToken);
        }

        return this;
    }

    /// <summary>Starts the renewal of leases and the heartbeat.</summary>
    public Task<Replica> RunAsync() => RunAsync(Get<LeaseKeeper>(), Get<ReplicaHeartbeat>());

    /// <summary>Requests admission for a turn that must be admitted.</summary>
    /// <exception cref="InvalidOperationException">The turn was refused.</exception>
    public async Task<AdmissionTicket> AdmitAsync(string stream, string principal) =>
        (await RequestAdmissionAsync(stream, principal)) switch
    {
        AdmissionDecision.Admitted admitted => admitted.Ticket,
        var refused => throw new InvalidOperationException(refused.ToString()),
    };

    /// <summary>Requests admission for a turn.</summary>
    /// <param name="also">Further claims of the same decision.</param>
    public async Task<AdmissionDecision> RequestAdmissionAsync(string stream, string principal, params Claim[] also) =>
        await Admission.AdmitAsync(new() { StreamId = stream, Principal = principal, OtherClaims = also }, default);

    /// <summary>The present value of <c>ADMISSION_USER_MAX_INFLIGHT</c>.</summary>
    public int UserMaxInFlight => Get<IOptionsMonitor<AdmissionOptions>>().CurrentValue.UserMaxInFlight;

    /// <summary>Waits until the replica uses this value of <c>ADMISSION_USER_MAX_INFLIGHT</c>.</summary>
    /// <exception cref="TimeoutException">It did not use it within 5 s.</exception>
    public async Task HasUserMaxInFlightAsync(int value)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = Get<IOptionsMonitor<AdmissionOptions>>().OnChange(_ => CompleteIfReached());
        CompleteIfReached();
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(5));

        void CompleteIfReached()
        {
            if (UserMaxInFlight == value)
            {
                reached.TrySetResult();
            }
        }
    }

    /// <summary>Closes the connection without releasing leases or reporting a stop, as <c>kill -9</c> does.</summary>
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
