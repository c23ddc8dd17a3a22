using System.Globalization;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Reliability;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Database;
using Sendcat.TestKit.Stores;
using StackExchange.Redis;

namespace Sendcat.Benchmarks.Admission;

/// <summary>Runs the admission of the API in this process, with a real Redis and PostgreSQL.</summary>
internal sealed class AdmissionSetup(RedisServer redis, PostgresServer postgres) : IAsyncDisposable
{
    public static async Task<AdmissionSetup> StartAsync() => new(await RedisServer.StartAsync(), await PostgresServer.StartAsync());

    /// <param name="cap">The maximum number of concurrent turns of all callers.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public async Task<RunningAdmission> StartHostAsync(int cap, CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["SENDCAT_ROLLOUT_STAGE"] = "dev-enforce",
            ["ADMISSION_GLOBAL_MAX_INFLIGHT"] = cap.ToString(CultureInfo.InvariantCulture),
            ["ADMISSION_GLOBAL_MAX_MSG_PER_SEC"] = "100000",
            // Admission checks the share of guests, but the share is too large to refuse a turn.
            ["ADMISSION_GUEST_MAX_INFLIGHT_PCT"] = cap > 1_000 ? "99" : "100",
            ["ADMISSION_GLOBAL_MAX_TOOL_PER_SEC"] = "200000",
        });
        builder.Services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(redis.CreateDatabase()));
        builder.Services.AddSingleton(NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync()));
        builder.Services.AddReliability().AddIntegrations();
        var host = builder.Build();
        await ReliabilityDatabase.MigrateAsync(host.Services.GetRequiredService<NpgsqlDataSource>(), cancellationToken);
        await host.StartAsync(cancellationToken);
        return new RunningAdmission(
            host, host.Services.GetRequiredService<AdmissionController>(),
            host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase());
    }

    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await postgres.DisposeAsync();
    }

    internal sealed record RunningAdmission(IHost Host, AdmissionController Admission, IDatabase Redis) : IAsyncDisposable
    {
        private int _turns;

        /// <summary>Requests admission for a turn of a new principal.</summary>
        public ValueTask<AdmissionDecision> AdmitAsync(CancellationToken cancellationToken)
        {
            var number = Interlocked.Increment(ref _turns).ToString(CultureInfo.InvariantCulture);
            return Admission.AdmitAsync(
                new AdmissionRequest
                {
                    Principal = $"session:{number}",
                    StreamId = $"STREAM:{number}",
                    Addresses = [new($"ip:{number}")],
                    IsGuest = true,
                },
                cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.StopAsync();
            Host.Dispose();
        }
    }
}
