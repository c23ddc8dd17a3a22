using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.ApiService.Http;

namespace Sendcat.TestApi;

/// <summary>
/// The real API on Kestrel inside of the test's process: its code is compiled once for all tests, and not anew for each start. What needs a process,
/// to be killed, frozen, measured or read, starts <see cref="TestKit.Programs.ApiProcess"/>.
/// </summary>
public sealed class ApiHost : IAsyncDisposable
{
    private readonly Factory factory;

    private ApiHost(Factory factory) => (this.factory, Address) = (factory, factory.ClientOptions.BaseAddress);

    public Uri Address { get; }

    public IServiceProvider Services => factory.Services;

    /// <param name="environment"><c>Development</c> or another.</param>
    /// <param name="settings">Names as in the process's environment, with <c>__</c>, or as in configuration, with colons.</param>
    /// <param name="services">Replaces services.</param>
    public static Task<ApiHost> StartAsync(string environment, IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? services = null) => Task.Run(() =>
    {
        var started = new Factory(environment, settings, services);
        started.UseKestrel(0);
        started.StartServer();
        return new ApiHost(started);
    });

    public HttpClient CreateClient() => factory.CreateClient();

    public ValueTask DisposeAsync() => factory.DisposeAsync();

    private sealed class Factory(string environment, IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? services) : WebApplicationFactory<ApiError>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment(environment);
            foreach (var (name, value) in settings)
            {
                builder.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            builder.ConfigureLogging(logging => logging.ClearProviders().AddSimpleConsole().SetMinimumLevel(LogLevel.Error));
            builder.ConfigureTestServices(collection => services?.Invoke(collection));
        }

        protected override IHost CreateHost(IHostBuilder builder) => new StoppedByItself(base.CreateHost(builder));
    }

    /// <summary>
    /// The program stops and disposes its host when it is told to. Stopped by the factory as well, the same services would be stopped twice at once, and disposed of when the quicker of the two is done.
    /// </summary>
    private sealed class StoppedByItself(IHost host) : IHost, IAsyncDisposable
    {
        public IServiceProvider Services => host.Services;

        public Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

        public async Task StopAsync(CancellationToken cancellationToken = default)
        {
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var lifetime = Services.GetRequiredService<IHostApplicationLifetime>();
            await using var heard = lifetime.ApplicationStopped.Register(stopped.SetResult);
            lifetime.StopApplication();
            await stopped.Task.WaitAsync(cancellationToken);
        }

        public void Dispose() => host.Dispose();

        public ValueTask DisposeAsync() => ((IAsyncDisposable)host).DisposeAsync();
    }
}
