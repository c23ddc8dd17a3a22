using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Sendcat.LocalRunner.State;

namespace Sendcat.LocalRunner.Running;

/// <summary>One replica of a resource, from its wait for others over its restarts to its stop.</summary>
internal sealed class Instance(
    IResource resource, int replica, ResourceBoard board, ProcessLauncher launcher, HealthProbe health, Narrator narrator, StateFolder folder, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AskAgainWhenHealthy = TimeSpan.FromSeconds(5);

    /// <summary>What a process gets to stop in order, before it is ended.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource _stop = new();
    private InstanceStatus _status = new(resource, resource.Replicas() == 1 ? resource.Name : string.Create(CultureInfo.InvariantCulture, $"{resource.Name}-{replica + 1}"))
    {
        Url = UrlOf(resource, replica),
    };

    public IResource Resource => resource;

    public string Name => _status.Name;

    public Task Completion { get; private set; } = Task.CompletedTask;

    public void Start() => Completion = RunAsync();

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Completion;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        if (resource.Last<ExplicitStartAnnotation>() is not null)
        {
            Post(_status with { State = InstanceState.NotStarted });
            return;
        }

        try
        {
            Post(_status with { State = InstanceState.Waiting });
            await DependenciesAsync(_stop.Token);
            var failures = 0;
            while (true)
            {
                var started = time.GetTimestamp();
                var code = await RunOnceAsync();
                if (code == 0 && resource is ExecutableResource)
                {
                    Post(_status with { State = InstanceState.Finished, Healthy = false, Pid = null, Note = null });
                    return;
                }

                failures = time.GetElapsedTime(started) >= RestartBackoff.Steady ? 1 : failures + 1;
                var delay = RestartBackoff.Delay(failures);
                var note = string.Create(CultureInfo.InvariantCulture, $"ended with code {code}");
                Post(_status with { State = InstanceState.Restarting, Healthy = false, Pid = null, Restarts = _status.Restarts + 1, Note = note });
                narrator.Say($"{Name} {note}; starting it again in {delay.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s (./sendcat logs {Name})");
                await Task.Delay(delay, time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            Post(_status with { State = InstanceState.Stopped, Healthy = false, Pid = null });
        }
    }

    private Task DependenciesAsync(CancellationToken cancellationToken)
    {
        var waits = resource.Annotations.OfType<WaitAnnotation>().Where(wait => wait.Resource.IsProcess()).ToArray();
        return board.WaitUntilAsync(rows => waits.All(wait => rows.Where(row => row.Resource == wait.Resource).ToArray() is [_, ..] theirs && theirs.All(row => Fulfils(wait, row))), cancellationToken);
    }

    private static bool Fulfils(WaitAnnotation wait, InstanceStatus row) => row.State == InstanceState.Running && (row.Healthy || !wait.UntilHealthy);

    /// <returns>The exit code of a process that ended by itself.</returns>
    /// <exception cref="OperationCanceledException">The runner stopped it.</exception>
    private async Task<int> RunOnceAsync()
    {
        Post(_status with { State = InstanceState.Starting });
        var plan = await ProcessPlan.OfAsync(resource, Name, replica, folder, _stop.Token);
        using var process = await launcher.StartAsync(plan, Name);
        Post(_status with { State = InstanceState.Running, Pid = process.Pid, Note = "starting" });

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var watch = WatchHealthAsync(ended.Token);
        try
        {
            return await process.Exited.WaitAsync(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process);
            throw;
        }
        finally
        {
            await ended.CancelAsync();
            await watch;
            Signals.EndRemains(process.Pid);
        }
    }

    private async Task WatchHealthAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var complaint = await health.AskAsync(resource, replica, cancellationToken);
                Post(_status with { Healthy = complaint is null, Note = complaint });
                await Task.Delay(complaint is null ? AskAgainWhenHealthy : AskAgain, time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The process ended, or the runner stops.
        }
    }

    private async Task EndAsync(LaunchedProcess process)
    {
        Signals.AskToStop(process.Pid);
        try
        {
            await process.Exited.WaitAsync(Grace, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            narrator.Say($"{Name} did not stop within {Grace.TotalSeconds} s; ending it");
            Signals.End(process.Pid);
            await process.Exited;
        }
    }

    private void Post(InstanceStatus status) => board.Post(_status = status);

    private static string? UrlOf(IResource resource, int replica)
    {
        var endpoint = resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault();
        if (endpoint is null)
        {
            return null;
        }

        var url = string.Create(CultureInfo.InvariantCulture, $"{endpoint.UriScheme}://127.0.0.1:{endpoint.AllocatedPort}");
        return endpoint.IsProxied ? string.Create(CultureInfo.InvariantCulture, $"{url} (own port {endpoint.OwnPort(replica)})") : url;
    }
}
