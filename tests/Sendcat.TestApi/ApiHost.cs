using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.ApiService.Http;

namespace Sendcat.TestApi;

/// <summary>
/// The real API on Kestrel inside the process of the test. The JIT compiles its code once for all tests instead of once per start. A test
/// that kills, pauses or measures a process, or reads its output, uses <see cref="TestKit.Programs.ApiProcess"/> instead. Passwords are
/// hashed with one hundredth of the iterations: with all of them, a fifth of the processor time of the tests was hashing.
/// </summary>
public sealed class ApiHost : IAsyncDisposable
{
    private readonly Factory _factory;

    private ApiHost(Factory factory) => (_factory, Address) = (factory, factory.ClientOptions.BaseAddress);

    public Uri Address { get; }

    public IServiceProvider Services => _factory.Services;

    /// <summary>Starts the API on a free port.</summary>
    /// <param name="environment">The environment name, for instance <c>Development</c>.</param>
    /// <param name="settings">The settings. A name has <c>__</c> as in environment variables, or colons as in configuration.</param>
    /// <param name="services">Replaces services of the API; null: replaces none.</param>
    public static Task<ApiHost> StartAsync(
        string environment, IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? services = null) => Task.Run(() =>
    {
        var started = new Factory(environment, settings, services);
        started.UseKestrel(0);
        started.StartServer();
        return new ApiHost(started);
    });

    public HttpClient CreateClient() => _factory.CreateClient();

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    private sealed class Factory(string environment, IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? services)
        : WebApplicationFactory<ApiError>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment(environment);
            foreach (var (name, value) in settings)
            {
                builder.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            builder.ConfigureLogging(logging => logging.ClearProviders().AddSimpleConsole().SetMinimumLevel(LogLevel.Error));
            builder.ConfigureTestServices(collection =>
            {
                collection.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = 1_000);
                services?.Invoke(collection);
            });
        }

        protected override IHost CreateHost(IHostBuilder builder) => new SelfStoppingHost(base.CreateHost(builder));
    }

    /// <summary>
    /// Lets only the program stop its host. If the factory also stopped it, both would stop the same services concurrently, and the
    /// services would be disposed of when the first stop completes.
    /// </summary>
    private sealed class SelfStoppingHost(IHost host) : IHost, IAsyncDisposable
    {
        public IServiceProvider Services => host.Services;

        public Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken = default)
        {
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var lifetime = Services.GetRequiredService<IHostApplicationLifetime>();
            await using var registration = lifetime.ApplicationStopped.Register(stopped.SetResult);
            lifetime.StopApplication();
            await stopped.Task.WaitAsync(cancellationToken);
        }

        public void Dispose() => host.Dispose();

        public ValueTask DisposeAsync() => ((IAsyncDisposable)host).DisposeAsync();
    }
}
