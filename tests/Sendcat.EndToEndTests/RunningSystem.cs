using System.Globalization;

namespace Sendcat.EndToEndTests;

/// <summary>The whole system as the AppHost composes it, on local stores, with ports and data of its own. Who kills parts of it has one for himself; one runs at a time.</summary>
public sealed class RunningSystem : IAsyncLifetime
{
    public const string OneAtATime = "whole systems";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly string _state = Path.Combine(Path.GetTempPath(), $"sendcat-e2e-{Guid.NewGuid():N}");

    public DistributedApplication App { get; private set; } = null!;

    public int Ports { get; } = PortBase.Free();

    public async ValueTask InitializeAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sendcat_AppHost>(
            ["--infra=local", "--Parameters:worker-replicas=2", $"--SENDCAT_STATE={_state}", string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={Ports}")], patience.Token);
        App = await builder.BuildAsync(patience.Token);
        await App.StartAsync(patience.Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("api", patience.Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("tool-worker", patience.Token);
        await App.ResourceNotifications.WaitForResourceHealthyAsync("monitor", patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        Directory.Delete(_state, recursive: true);
    }
}
