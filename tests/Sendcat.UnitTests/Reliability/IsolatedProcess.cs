using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Reliability;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Reliability;

/// <summary>The services of one process whose Redis and Postgres are unreachable.</summary>
internal static class IsolatedProcess
{
    public static ServiceProvider Services(TimeProvider time, params (string Name, string Value)[] knobs) =>
        Services(time, () => ConnectionMultiplexer.Connect("127.0.0.1:1,abortConnect=false,connectTimeout=50,connectRetry=0"), knobs);

    public static ServiceProvider Services(
        TimeProvider time, Func<IConnectionMultiplexer> redis, params (string Name, string Value)[] knobs)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(knobs.Select(knob => KeyValuePair.Create(knob.Name, (string?)knob.Value))).Build();
        return new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration)
            .AddLogging()
            .AddSingleton(time)
            .AddSingleton<IConnectionMultiplexer>(_ => redis())
            .AddSingleton(_ => NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=nowhere"))
            .AddReliability().AddIntegrations()
            .BuildServiceProvider();
    }
}
