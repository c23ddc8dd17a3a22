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
/// A Sendcat program that is started repeatedly. An exit that no fault caused is recorded in <see cref="UnexpectedExits"/>. A fault waits
/// until a start or stop in progress is complete; only <see cref="KillAsync(int)"/> does not.
/// </summary>
/// <param name="name">The name in the report.</param>
/// <param name="spec">Creates the command line of a start from the number of the start, from 1.</param>
/// <param name="time">The clock.</param>
internal sealed class ProgramVictim(string name, Func<int, ProcessSpec> spec, TimeProvider time) : IVictim, IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(40);

    private readonly SemaphoreSlim _mutex = new(1, 1);
    private TestProcess? _process;
    private int _starts;

    /// <summary>Completes when the last start or stop is complete, or the process has ended before.</summary>
    private Task _settled = Task.CompletedTask;

    /// <summary>The rig has ended the program, or has not started it yet.</summary>
    private bool _down = true;

    public int ProcessId => _process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>The exit code and output of every exit that no fault caused.</summary>
    public List<string> UnexpectedExits { get; } = [];

    /// <summary>
    /// Starts the program, unless it runs. Completes when it is ready, or when another fault has killed it before.
    /// </summary>
    public async Task StartAsync()
    {
        // The mutex is free while the process starts.
        var ready = await _mutex.RunExclusiveAsync(async () =>
        {
            await LaunchAsync();
            return _settled;
        });
        await ready;
    }

    public Task<FaultStart> KillAsync() => WhenSettledAsync(KillLockedAsync);

    /// <summary>Kills the process of one start at once, also while it starts or stops. Only a pause ends first.</summary>
    /// <param name="start">The number of the start.</param>
    /// <returns>Null: that process has ended already.</returns>
    public Task<FaultStart?> KillAsync(int start) => _mutex.RunExclusiveAsync<FaultStart?>(
        async () => _starts == start && ProcessId != 0 ? await KillLockedAsync() : null);

    public Task<FaultStart> PauseAsync(TimeSpan hold, CancellationToken cancellationToken) => WhenSettledAsync(async () =>
    {
        _process!.Pause();
        var start = Now();
        await Task.Delay(hold, time, cancellationToken);
        _process.Resume();
        return start;
    });

    public async Task<FaultStart> RestartAsync()
    {
        var start = await BeginStopAsync();
        await _settled;
        await StartAsync();
        return start;
    }

    /// <summary>Stops the program gracefully.</summary>
    public async Task StopAsync()
    {
        await BeginStopAsync();
        await _settled;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } last)
        {
            await last.DisposeAsync();
        }

        await _settled.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _mutex.Dispose();
    }

    private FaultStart Now() => new(ProcessId, time.GetUtcNow());

    /// <summary>Runs one action at a time, and none while the program starts or stops.</summary>
    private async Task<T> WhenSettledAsync<T>(Func<Task<T>> action)
    {
        while (true)
        {
            await _settled;
            await _mutex.WaitAsync();
            try
            {
                if (_settled.IsCompleted)
                {
                    await RecordUnexpectedExitAsync();
                    return await action();
                }
            }
            finally
            {
                _mutex.Release();
            }
        }
    }

    private async Task LaunchAsync()
    {
        if (ProcessId != 0)
        {
            return;
        }

        if (_process is { } last)
        {
            await last.DisposeAsync();
        }

        _process = await TestProcess.StartAsync(spec(++_starts));
        _down = false;
        _settled = WaitUntilReadyAsync(_process);
    }

    /// <exception cref="InvalidOperationException">It was not ready in time.</exception>
    private static async Task WaitUntilReadyAsync(TestProcess process)
    {
        try
        {
            await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartTimeout);
        }
        catch (InvalidOperationException) when (process.Exited.IsCompleted)
        {
            // A fault has killed it, or the next fault records an unexpected exit.
        }
    }

    private async Task<FaultStart> KillLockedAsync()
    {
        var start = Now();
        _down = true;
        await _process!.KillAsync();
        return start;
    }

    private Task<FaultStart> BeginStopAsync() => WhenSettledAsync(() =>
    {
        var start = Now();
        _down = true;
        _settled = _process!.StopAsync(timeout: StopTimeout);
        return Task.FromResult(start);
    });

    /// <summary>Records an exit that no fault caused, and starts the program again.</summary>
    private async Task RecordUnexpectedExitAsync()
    {
        if (!_down && _process is { Exited.IsCompleted: true } dead)
        {
            UnexpectedExits.Add($"{name} exited unexpectedly with {await dead.Exited}: {dead.Output}");
            await LaunchAsync();
            await _settled;
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
