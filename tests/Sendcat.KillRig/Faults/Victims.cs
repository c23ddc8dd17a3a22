using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.KillRig.Faults;

/// <summary>Something that faults happen to. One fault at a time.</summary>
internal interface IVictim
{
    Task<Blow> KillAsync();

    /// <summary>Completes when it is ready for work.</summary>
    Task StartAsync();

    Task<Blow> StopAsync(TimeSpan hold, CancellationToken cancellationToken);

    Task<Blow> RestartAsync();
}

/// <param name="ProcessId">Whom it struck; 0: nobody was there.</param>
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

/// <summary>A program of ours, again and again. One that ends by itself is remembered.</summary>
/// <param name="spec">Makes what is started each time.</param>
internal sealed class ProgramVictim(string name, Func<ProcessSpec> spec, TimeProvider time) : IVictim, IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(40);

    private readonly SemaphoreSlim turn = new(1, 1);
    private TestProcess? process;
    private bool down = true;

    public int ProcessId => process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>Why it ended without being asked to, each time that it did.</summary>
    public List<string> Deaths { get; } = [];

    public Task StartAsync() => turn.InTurnAsync(async () =>
    {
        await StartInTurnAsync();
        return Now();
    });

    public Task<Blow> KillAsync() => turn.InTurnAsync(async () =>
    {
        await MournAsync();
        var blow = Now();
        down = true;
        await process!.KillAsync();
        return blow;
    });

    public Task<Blow> StopAsync(TimeSpan hold, CancellationToken cancellationToken) => turn.InTurnAsync(async () =>
    {
        await MournAsync();
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

    /// <summary>An orderly end.</summary>
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
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartPatience);
    }

    private async Task EndInTurnAsync()
    {
        await MournAsync();
        down = true;
        await process!.StopAsync(timeout: EndPatience);
    }

    /// <summary>Notes a death that nobody caused, and goes on.</summary>
    private async Task MournAsync()
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
