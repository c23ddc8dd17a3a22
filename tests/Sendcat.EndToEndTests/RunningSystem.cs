using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.AppHost;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>
/// The whole system as the AppHost composes it, on local stores, with its own ports and data. The tests share it and run one after the
/// other. Every test leaves all resources running.
/// </summary>
public sealed class RunningSystem : IAsyncLifetime
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);
    private readonly TestFolder _state = new("system");

    public DistributedApplication App { get; private set; } = null!;

    public string State => _state.Path;

    internal LocalPorts Ports { get; } = FreePorts.Choose();

    public async ValueTask InitializeAsync()
    {
        using var timeout = new CancellationTokenSource(Timeout);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sendcat_AppHost>(
        [
            "--infra=local",
            "--Parameters:worker-replicas=2",
            "--Parameters:confirmed-domains=example.com",
            $"--SENDCAT_STATE={State}",
            string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={Ports.Base}"),
            "--DcpPublisher:RandomizePorts=false",
        ], (options, _) => options.DisableDashboard = false, timeout.Token);

        // A turn waits up to one minute for a tool job, so that a stopped worker can start again in this time.
        builder.CreateResourceBuilder<ProjectResource>("api").WithEnvironment("TOOL_JOB_WAIT_MS", "60000");
        App = await builder.BuildAsync(timeout.Token);
        await App.StartAsync(timeout.Token);
        await WaitForAllAsync();
    }

    /// <summary>Completes when every program and every store is healthy, after at most three minutes.</summary>
    /// <exception cref="OperationCanceledException">A resource is not healthy after three minutes.</exception>
    public async Task WaitForAllAsync()
    {
        using var timeout = new CancellationTokenSource(Timeout);
        await Task.WhenAll(
            Processes().Select(resource => App.ResourceNotifications.WaitForResourceHealthyAsync(resource.Name, timeout.Token)));
    }

    /// <summary>
    /// Completes when an instance of the resource is in a state that matches <paramref name="state"/>; at once if it already is.
    /// </summary>
    /// <exception cref="OperationCanceledException">No instance has reached the state after three minutes.</exception>
    public async Task<ResourceEvent> WaitForAsync(string name, Func<ResourceEvent, bool> state)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        return await App.ResourceNotifications.WaitForResourceAsync(name, state, timeout.Token);
    }

    /// <summary>Runs a command on every instance of the resource.</summary>
    public async Task CommandAsync(string name, string command)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        var result = await App.ResourceCommands.ExecuteCommandAsync(
            Processes().Single(resource => resource.Name == name), command, timeout.Token);
        Assert.True(result.Success, result.Message);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _state.Dispose();
    }

    private IEnumerable<IResource> Processes() =>
        App.Services.GetRequiredService<DistributedApplicationModel>().Resources
            .Where(resource => resource.HasAnnotationOfType<RestartOnExitAnnotation>());
}

/// <summary>The tests that need a whole system. Only one system runs at a time, because it uses much memory and CPU time.</summary>
[CollectionDefinition(Name)]
public sealed class WholeSystems : ICollectionFixture<RunningSystem>
{
    public const string Name = "whole systems";
}
