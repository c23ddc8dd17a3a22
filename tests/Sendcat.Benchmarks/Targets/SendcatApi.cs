using System.Globalization;
using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.Benchmarks.Targets;

/// <summary>The API in a separate process, with real stores (PostgreSQL with fsync).</summary>
internal sealed class SendcatApi : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);

    private TestProcess _process;
    private readonly RabbitMqServer _broker;

    private SendcatApi(
        TestProcess process, Uri address, RedisServer redis, PostgresServer postgres, RabbitMqServer broker, string database,
        IReadOnlyDictionary<string, string?> environment)
    {
        (_process, _broker, Environment) = (process, broker, environment);
        (Address, Redis, Postgres, Database) = (address, redis, postgres, database);
    }

    public Uri Address { get; }

    public RedisServer Redis { get; }

    public PostgresServer Postgres { get; }

    /// <summary>The connection string of the database.</summary>
    public string Database { get; }

    /// <summary>The environment variables of the process, for others that share its stores and keys.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; }

    public int ProcessId => _process.Id;

    public IReadOnlyList<int> StoreProcessIds => [Redis.ProcessId, Postgres.ProcessId, _broker.ProcessId];

    /// <param name="emulator">The address of the emulator.</param>
    /// <param name="settings">Settings in the form <c>NAME=VALUE</c>. They replace those of <see cref="SendcatOptions"/>.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="InvalidOperationException">The API ended, or it is not ready after 90 s.</exception>
    public static async Task<SendcatApi> StartAsync(Uri emulator, IEnumerable<string> settings, CancellationToken cancellationToken)
    {
        var redis = RedisServer.StartAsync();
        var postgres = PostgresServer.StartAsync(durable: true);
        var messaging = RabbitMqServer.StartAsync();
        await Task.WhenAll(redis, postgres, messaging);
        var database = await (await postgres).CreateDatabaseAsync();

        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/"));
        var environment = SendcatOptions.Environment(emulator);
        environment["ASPNETCORE_URLS"] = address.ToString();
        environment["ConnectionStrings__redis"] = (await redis).ConnectionString;
        environment["ConnectionStrings__sendcatdb"] = database;
        environment["ConnectionStrings__messaging"] = (await messaging).ConnectionString;
        environment.Apply(settings);

        var api = new SendcatApi(
            await StartProcessAsync(environment), address, await redis, await postgres, await messaging, database, environment);
        try
        {
            await api.WaitUntilReadyAsync(cancellationToken);
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }

        return api;
    }

    /// <summary>Kills the API and starts it again at the same address.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await _process.KillAsync();
        await _process.DisposeAsync();
        _process = await StartProcessAsync(Environment);
        await WaitUntilReadyAsync(cancellationToken);
    }

    private static Task<TestProcess> StartProcessAsync(IReadOnlyDictionary<string, string?> environment)
    {
        var executable = Checkout.Executable("Sendcat.ApiService");
        return TestProcess.StartAsync(
            new ProcessSpec(executable) { Environment = environment, WorkingDirectory = Path.GetDirectoryName(executable) });
    }

    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync();
        await _process.DisposeAsync();
        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
        await _broker.DisposeAsync();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(StartTimeout);
        while (true)
        {
            try
            {
                using var health = await http.GetAsync(new Uri(Address, "health"), timeout.Token);
                if (health.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // The API does not listen yet.
            }
            catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
            {
                throw new InvalidOperationException(
                    $"The API is not ready after {StartTimeout.TotalSeconds:0} s:\n{_process.Output}", late);
            }

            if (_process.Exited.IsCompleted)
            {
                throw new InvalidOperationException($"The API ended with {await _process.Exited}:\n{_process.Output}");
            }

            await Task.WhenAny(_process.Exited, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None));
        }
    }
}
