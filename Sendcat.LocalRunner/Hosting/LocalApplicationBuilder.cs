using System.Reflection;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sendcat.LocalRunner.Commands;
using Sendcat.LocalRunner.Running;
using Sendcat.LocalRunner.State;
using Sendcat.LocalRunner.Testing;

namespace Sendcat.LocalRunner.Hosting;

internal sealed class LocalApplicationBuilder : IDistributedApplicationTestingBuilder
{
    private readonly EntryPointCapture? _capture = EntryPointCapture.Current;
    private readonly HostApplicationBuilder _host;
    private readonly LocalEventing _eventing = new();

    public LocalApplicationBuilder(string[] args)
    {
        RefuseWindows();
        RefuseToPublish(args);
        AppHostAssembly = _capture?.Assembly ?? Assembly.GetEntryAssembly();
        AppHostDirectory = Path.GetDirectoryName(ProjectPath(AppHostAssembly)) ?? Directory.GetCurrentDirectory();
        _host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppHostDirectory });
        _host.Logging.ClearProviders();
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IDistributedApplicationEventing Eventing => _eventing;

    public DistributedApplicationExecutionContext ExecutionContext { get; } = new();

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new DistributedApplicationException($"There are two resources named '{resource.Name}'.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _capture?.Take(this);
        return BuildApplication();
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) => Task.FromResult(BuildApplication());

    public void Dispose()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private DistributedApplication BuildApplication()
    {
        var services = _host.Services;
        services.AddHealthChecks();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(new DistributedApplicationModel(Resources));
        services.AddSingleton(ExecutionContext);
        services.AddSingleton(_eventing);
        services.AddSingleton(StateFolder.Of(this));
        services.AddSingleton(_capture is null ? Narrator.OnConsole() : Narrator.Silent());
        services.AddSingleton<ResourceBoard>();
        services.AddSingleton(provider => new ResourceNotificationService(provider.GetRequiredService<ResourceBoard>()));
        services.AddSingleton(provider => new ResourceCommandService(provider));
        services.AddSingleton<LogBook>();
        services.AddSingleton<ProcessLauncher>();
        services.AddSingleton<HealthProbe>();
        services.AddSingleton<StatusFiles>();
        services.AddHostedService<Conductor>();
        services.AddHostedService<CommandDrop>();
        services.Configure<HostOptions>(options => options.ShutdownTimeout = Conductor.StopTimeout);
        if (_capture is not null)
        {
            services.AddSingleton<IHostLifetime, TestLifetime>();
        }

        return new(_host.Build());
    }

    private static void RefuseWindows()
    {
        if (OperatingSystem.IsWindows())
        {
            throw Refusal.Of("This runner needs Linux or macOS (signals, sessions); on Windows build the Aspire flavour, or use WSL.");
        }
    }

    private static void RefuseToPublish(string[] args)
    {
        if (args.Any(arg => arg.StartsWith("--publisher", StringComparison.Ordinal) || arg.StartsWith("--operation", StringComparison.Ordinal)))
        {
            throw Refusal.Of("Publishing is Aspire's own: build the Aspire flavour (dotnet build -p:UseAspire=true, on a machine whose feed has the Aspire packages) and see docs/deploy.md.");
        }
    }

    private static string? ProjectPath(Assembly? assembly) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(metadata => metadata.Key == "AppHostProjectPath")?.Value;
}
