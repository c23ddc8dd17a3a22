using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Hosting;
using Sendcat.LocalRunner.State;

namespace Sendcat.LocalRunner.Running;

/// <summary>Starts every process of the model, each when what it waits for is healthy, and stops them the other way round.</summary>
internal sealed class Conductor(
    DistributedApplicationModel model,
    IServiceProvider services,
    LocalEventing eventing,
    StateFolder folder,
    ResourceBoard board,
    ProcessLauncher launcher,
    HealthProbe health,
    LogBook logs,
    Narrator narrator,
    StatusFiles files,
    TimeProvider time) : IHostedService, IDisposable
{
    /// <summary>Enough for a few layers that each need their whole grace.</summary>
    public static readonly TimeSpan StopTimeout = Instance.Grace * 4;

    private readonly CancellationTokenSource _watching = new();
    private IReadOnlyList<IReadOnlyList<Instance>> _layers = [];
    private Task _telling = Task.CompletedTask;
    private RunLock? _lock;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _lock = RunLock.TryTake(folder) ?? throw Hosting.Refusal.Of($"Another run already uses {folder.Path}; ./sendcat status shows it, ./sendcat down ends it.");
        var layers = StartOrder.Layers(model.Resources);
        await logs.OpenAsync(model.Resources, cancellationToken);
        await eventing.RaiseAsync(new BeforeStartEvent(services, model), cancellationToken);

        _layers = [.. layers.Select(layer => layer.SelectMany(InstancesOf).ToArray())];
        foreach (var instance in _layers.SelectMany(layer => layer))
        {
            narrator.Expect(instance.Name);
        }

        files.Phase("starting");
        _telling = TellAsync();
        foreach (var instance in _layers.SelectMany(layer => layer))
        {
            instance.Start();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_layers.Count > 0)
        {
            files.Phase("stopping");
            narrator.Say("stopping");
        }

        foreach (var layer in _layers.Reverse())
        {
            await Task.WhenAll(layer.Select(instance => instance.StopAsync()));
        }

        await _watching.CancelAsync();
        await _telling;
        if (_layers.Count > 0)
        {
            files.Remove();
            narrator.Say("everything has stopped");
        }

        _layers = [];
        _lock?.Dispose();
        _lock = null;
    }

    public void Dispose()
    {
        _watching.Dispose();
        _lock?.Dispose();
    }

    private IEnumerable<Instance> InstancesOf(IResource resource) =>
        Enumerable.Range(0, resource.Replicas()).Select(replica => new Instance(resource, replica, board, launcher, health, narrator, folder, time));

    /// <summary>Keeps the status files true, and shows the table once everything runs.</summary>
    private async Task TellAsync()
    {
        var expected = _layers.Sum(layer => layer.Count);
        var ready = false;
        try
        {
            while (true)
            {
                var changed = board.NextChange(out var rows);
                files.Table(rows);
                if (!ready && rows.Count == expected && rows.All(row => row.Settled))
                {
                    ready = true;
                    files.Phase("ready");
                    narrator.Show($"\n{ResourceTable.Render(rows)}");
                    narrator.Say("everything is up; Ctrl-C stops it");
                }

                await changed.WaitAsync(_watching.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The runner stops.
        }
    }
}
