using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>A real server as a child process: on a free port of 127.0.0.1, with data of its own, gone with the test host. Its port and data survive stop and restart.</summary>
public abstract class StoreServer : IAsyncDisposable
{
    private TestProcess? process;

    private protected StoreServer(TestFolder folder)
    {
        Folder = folder;
        Port = FreePort.Next();
    }

    public int Port { get; private set; }

    /// <summary>0 while it is stopped.</summary>
    public int ProcessId => process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>The last lines that the server wrote.</summary>
    public string Output => process?.Output ?? "";

    private protected TestFolder Folder { get; }

    private protected abstract UnixSignal StopSignal { get; }

    private protected virtual TimeSpan StartPatience => TimeSpan.FromSeconds(60);

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="KillAsync"/>; completes when it accepts connections.</summary>
    public async Task StartAgainAsync()
    {
        if (ProcessId != 0)
        {
            return;
        }

        await DiscardProcessAsync();
        process = await TestProcess.StartAsync(await PrepareAsync());
        await process.WaitForLineAsync(SaysReady, StartPatience);
    }

    /// <summary>An orderly stop: what must be on disk is.</summary>
    public virtual Task StopAsync() => process?.StopAsync(StopSignal) ?? Task.CompletedTask;

    /// <summary>kill -9 of the server with all its processes.</summary>
    public virtual Task KillAsync() => process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>SIGSTOP: connections stay open, nothing answers.</summary>
    public Task PauseAsync()
    {
        process?.Pause();
        return Task.CompletedTask;
    }

    public Task ResumeAsync()
    {
        process?.Resume();
        return Task.CompletedTask;
    }

    /// <summary>Stop and start on the same port and data.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await DiscardProcessAsync();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A port can be taken between its choice and the server's bind; then the first start tries another.</summary>
    private protected static async Task<TServer> StartFirstAsync<TServer>(TServer server)
        where TServer : StoreServer
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 4 && server.Output.Contains("in use", StringComparison.OrdinalIgnoreCase) | server.Output.Contains("eaddrinuse", StringComparison.Ordinal))
            {
                await server.KillAsync();
                server.Port = FreePort.Next();
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Writes what the server needs and says how to run it.</summary>
    private protected abstract Task<ProcessSpec> PrepareAsync();

    private protected abstract bool SaysReady(string line);

    private async Task DiscardProcessAsync()
    {
        if (process is { } old)
        {
            await old.DisposeAsync();
        }
    }
}
