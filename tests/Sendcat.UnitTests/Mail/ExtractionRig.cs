using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Integrations.Extraction;
using Sendcat.Reliability;
using Sendcat.UpstreamEmulator;
using StackExchange.Redis;

namespace Sendcat.UnitTests.Mail;

/// <summary>
/// The extraction of one process with the emulated OpenRouter. Its guards decide locally: Redis and Postgres are unreachable.
/// </summary>
internal sealed class ExtractionRig : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private ExtractionRig(UpstreamEmulatorHost emulator, ServiceProvider services) => (Emulator, _services) = (emulator, services);

    public UpstreamEmulatorHost Emulator { get; }

    public OrderExtraction Extraction => _services.GetRequiredService<OrderExtraction>();

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public static async Task<ExtractionRig> StartAsync(params (string Name, string Value)[] knobs)
    {
        var emulator = await UpstreamEmulatorHost.StartAsync();
        var values = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OPENROUTER_BASE_URL"] = emulator.OpenRouter.ToString(), ["OPENROUTER_HTTP_VERSION"] = "1.1", ["OPENROUTER_API_KEY"] = "test",
        };
        foreach (var (name, value) in knobs)
        {
            values[name] = value;
        }

        var configuration = new ConfigurationBuilder().AddInMemoryCollection(values).Build();
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration)
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IConnectionMultiplexer>(
                _ => ConnectionMultiplexer.Connect("127.0.0.1:1,abortConnect=false,connectTimeout=50,connectRetry=0"))
            .AddSingleton(_ => NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=nowhere"))
            .AddReliability().AddIntegrations().AddExtraction()
            .BuildServiceProvider();
        return new(emulator, services);
    }

    /// <summary>The model answers every following request with this text.</summary>
    public void ModelAnswers(string text)
    {
        Emulator.ClearDirections();
        Emulator.Direct($"[[emu every=0 text={System.Text.Json.JsonSerializer.Serialize(text)}]]");
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Emulator.DisposeAsync();
    }
}
