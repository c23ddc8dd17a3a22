using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.KillRig.Faults;

/// <summary>A process or store into which faults are injected, one fault at a time.</summary>
internal interface IVictim
{
    Task<Blow> KillAsync();

    /// <summary>Starts the victim. Completes when the victim is ready.</summary>
    Task StartAsync();

    Task<Blow> StopAsync(TimeSpan hold, CancellationToken cancellationToken);

    Task<Blow> RestartAsync();
}

/// <summary>When a fault began and which process it affected.</summary>
/// <param name="ProcessId">The process id; 0: the victim was not running.</param>
/// <param name="At">When the fault began.</param>
internal readonly record struct Blow(int ProcessId, DateTimeOffset At);

internal sealed class StoreVictim(StoreServer server, TimeProvider time) : IVictim, IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);

    public Task<Blow> KillAsync() => turn.InTurnAsync(async () =>
    {
        var blow = Now();
        await server.KillAsync();
        return blow;
    });

    public Task StartAsync() => turn.InTurnAsync(async () =>
    {
        await server.StartAgainAsync();
        return Now();
    });

    public Task<Blow> StopAsync(TimeSpan hold, CancellationToken cancellationToken) => turn.InTurnAsync(async () =>
    {
        await server.PauseAsync();
        var blow = Now();
        await Task.Delay(hold, time, cancellationToken);
        await server.ResumeAsync();
        return blow;
    });

    public Task<Blow> RestartAsync() => turn.InTurnAsync(async () =>
    {
        var blow = Now();
        await server.RestartAsync();
        return blow;
    });

    private Blow Now() => new(server.ProcessId, time.GetUtcNow());

    public void Dispose() => turn.Dispose();
}

/// <summary>A Sendcat program that is started repeatedly. An exit that no fault caused is recorded in <see cref="Deaths"/>.</summary>
/// <param name="name">The name in the report.</param>
/// <param name="spec">Creates the command line of each start.</param>
/// <param name="time">The clock.</param>
internal sealed class ProgramVictim(string name, Func<ProcessSpec> spec, TimeProvider time) : IVictim, IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(40);

    private readonly SemaphoreSlim turn = new(1, 1);
    private TestProcess? process;
    private bool down = true;

    public int ProcessId => process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>The exit code and output of every exit that no fault caused.</summary>
    public List<string> Deaths { get; } = [];

    public Task StartAsync() => turn.InTurnAsync(async () =>
    {
        await StartInTurnAsync();
        return Now();
    });

    public Task<Blow> KillAsync() => turn.InTurnAsync(async () =>
    {
        await RecordUnexpectedExitAsync();
        var blow = Now();
        down = true;
        await process!.KillAsync();
        return blow;
    });

    public Task<Blow> StopAsync(TimeSpan hold, CancellationToken cancellationToken) => turn.InTurnAsync(async () =>
    {
        await RecordUnexpectedExitAsync();
        process!.Pause();
        var blow = Now();
        await Task.Delay(hold, time, cancellationToken);
        process.Resume();
        return blow;
    });

    public Task<Blow> RestartAsync() => turn.InTurnAsync(async () =>
    {
        var blow = Now();
        await EndInTurnAsync();
        await StartInTurnAsync();
        return blow;
    });

    /// <summary>Stops the program gracefully.</summary>
    public Task EndAsync() => turn.InTurnAsync(async () =>
    {
        await EndInTurnAsync();
        return Now();
    });

    public async ValueTask DisposeAsync()
    {
        if (process is { } last)
        {
            await last.DisposeAsync();
        }

        turn.Dispose();
    }

    private Blow Now() => new(ProcessId, time.GetUtcNow());

    private async Task StartInTurnAsync()
    {
        if (ProcessId != 0)
        {
            return;
        }

        if (process is { } last)
        {
            await last.DisposeAsync();
        }

        process = await TestProcess.StartAsync(spec());
        down = false;
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartTimeout);
    }

    private async Task EndInTurnAsync()
    {
        await RecordUnexpectedExitAsync();
        down = true;
        await process!.StopAsync(timeout: StopTimeout);
    }

    /// <summary>Records an exit that no fault caused, and starts the program again.</summary>
    private async Task RecordUnexpectedExitAsync()
    {
        if (!down && process is { Exited.IsCompleted: true } dead)
        {
            Deaths.Add($"{name} ended by itself with {await dead.Exited}: {dead.Output}");
            await StartInTurnAsync();
        }
    }
}

internal static class Turns
{
    public static async Task<T> InTurnAsync<T>(this SemaphoreSlim turn, Func<Task<T>> action)
    {
        await turn.WaitAsync();
        try
        {
            return await action();
        }
        finally
        {
            turn.Release();
        }
    }
}
