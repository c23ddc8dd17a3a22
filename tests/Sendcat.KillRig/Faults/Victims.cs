using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.KillRig.Faults;

/// <summary>A process or store into which faults are injected, one fault at a time.</summary>
internal interface IVictim
{
    /// <summary>Kills the victim with SIGKILL.</summary>
    Task<FaultStart> KillAsync();

    /// <summary>Starts the victim. Completes when the victim is ready.</summary>
    Task StartAsync();

    /// <summary>Pauses the victim with SIGSTOP and continues it after <paramref name="hold"/>.</summary>
    Task<FaultStart> PauseAsync(TimeSpan hold, CancellationToken cancellationToken);

    /// <summary>Stops the victim gracefully and starts it.</summary>
    Task<FaultStart> RestartAsync();
}

/// <summary>When a fault began and which process it affected.</summary>
/// <param name="ProcessId">The process id; 0: the victim was not running.</param>
/// <param name="At">When the fault began.</param>
internal readonly record struct FaultStart(int ProcessId, DateTimeOffset At);

internal sealed class StoreVictim(StoreServer server, TimeProvider time) : IVictim, IDisposable
{
    private readonly SemaphoreSlim _mutex = new(1, 1);

    public Task<FaultStart> KillAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        var start = Now();
        await server.KillAsync();
        return start;
    });

    public Task StartAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        await server.StartAgainAsync();
        return Now();
    });

    public Task<FaultStart> PauseAsync(TimeSpan hold, CancellationToken cancellationToken) => _mutex.RunExclusiveAsync(async () =>
    {
        await server.PauseAsync();
        var start = Now();
        await Task.Delay(hold, time, cancellationToken);
        await server.ResumeAsync();
        return start;
    });

    public Task<FaultStart> RestartAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        var start = Now();
        await server.RestartAsync();
        return start;
    });

    private FaultStart Now() => new(server.ProcessId, time.GetUtcNow());

    public void Dispose() => _mutex.Dispose();
}

/// <summary>
/// A Sendcat program that is started repeatedly. An exit that no fault caused is recorded in <see cref="UnexpectedExits"/>.
/// </summary>
/// <param name="name">The name in the report.</param>
/// <param name="spec">Creates the command line of each start.</param>
/// <param name="time">The clock.</param>
internal sealed class ProgramVictim(string name, Func<ProcessSpec> spec, TimeProvider time) : IVictim, IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(40);

    private readonly SemaphoreSlim _mutex = new(1, 1);
    private TestProcess? _process;

    /// <summary>The rig has ended the program, or has not started it yet.</summary>
    private bool _down = true;

    public int ProcessId => _process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>The exit code and output of every exit that no fault caused.</summary>
    public List<string> UnexpectedExits { get; } = [];

    public Task StartAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        await StartLockedAsync();
        return Now();
    });

    public Task<FaultStart> KillAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        await RecordUnexpectedExitAsync();
        var start = Now();
        _down = true;
        await _process!.KillAsync();
        return start;
    });

    public Task<FaultStart> PauseAsync(TimeSpan hold, CancellationToken cancellationToken) => _mutex.RunExclusiveAsync(async () =>
    {
        await RecordUnexpectedExitAsync();
        _process!.Pause();
        var start = Now();
        await Task.Delay(hold, time, cancellationToken);
        _process.Resume();
        return start;
    });

    public Task<FaultStart> RestartAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        var start = Now();
        await StopLockedAsync();
        await StartLockedAsync();
        return start;
    });

    /// <summary>Stops the program gracefully.</summary>
    public Task StopAsync() => _mutex.RunExclusiveAsync(async () =>
    {
        await StopLockedAsync();
        return Now();
    });

    public async ValueTask DisposeAsync()
    {
        if (_process is { } last)
        {
            await last.DisposeAsync();
        }

        _mutex.Dispose();
    }

    private FaultStart Now() => new(ProcessId, time.GetUtcNow());

    private async Task StartLockedAsync()
    {
        if (ProcessId != 0)
        {
            return;
        }

        if (_process is { } last)
        {
            await last.DisposeAsync();
        }

        _process = await TestProcess.StartAsync(spec());
        _down = false;
        await _process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartTimeout);
    }

    private async Task StopLockedAsync()
    {
        await RecordUnexpectedExitAsync();
        _down = true;
        await _process!.StopAsync(timeout: StopTimeout);
    }

    /// <summary>Records an exit that no fault caused, and starts the program again.</summary>
    private async Task RecordUnexpectedExitAsync()
    {
        if (!_down && _process is { Exited.IsCompleted: true } dead)
        {
            UnexpectedExits.Add($"{name} exited unexpectedly with {await dead.Exited}: {dead.Output}");
            await StartLockedAsync();
        }
    }
}

internal static class ExclusiveRun
{
    /// <summary>Runs one action at a time.</summary>
    public static async Task<T> RunExclusiveAsync<T>(this SemaphoreSlim mutex, Func<Task<T>> action)
    {
        await mutex.WaitAsync();
        try
        {
            return await action();
        }
        finally
        {
            mutex.Release();
        }
    }
}
