using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Stores;

/// <summary>
/// A real server as a child process, on a free port of 127.0.0.1 and with its own data. It ends with the test host. A restart keeps its
/// port and data.
/// </summary>
public abstract class StoreServer : IAsyncDisposable
{
    private TestProcess? _process;

    private protected StoreServer(TestFolder folder)
    {
        Folder = folder;
        Port = FreePort.Next();
    }

    public int Port { get; private set; }

    /// <summary>The process id; 0 while the server is stopped.</summary>
    public int ProcessId => _process is { Exited.IsCompleted: false } running ? running.Id : 0;

    /// <summary>The last lines that the server wrote.</summary>
    public string Output => _process?.Output ?? "";

    private protected TestFolder Folder { get; }

    private protected abstract UnixSignal StopSignal { get; }

    private protected virtual TimeSpan StartTimeout => TimeSpan.FromMinutes(3);

    /// <summary>
    /// Starts the server after <see cref="StopAsync"/> or <see cref="KillAsync"/>. Completes when the server accepts connections.
    /// Does nothing while the server runs.
    /// </summary>
    public async Task StartAgainAsync()
    {
        if (ProcessId != 0)
        {
            return;
        }

        await DiscardProcessAsync();
        _process = await TestProcess.StartAsync(await PrepareAsync());
        await _process.WaitForLineAsync(IsReadyLine, StartTimeout);
    }

    /// <summary>Stops the server gracefully: it writes its data to disk first.</summary>
    public virtual Task StopAsync() => _process?.StopAsync(StopSignal) ?? Task.CompletedTask;

    /// <summary>Sends SIGKILL to all processes of the server.</summary>
    public virtual Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    /// <summary>Sends SIGSTOP to all processes of the server: connections stay open, but nothing responds.</summary>
    public Task PauseAsync()
    {
        _process?.Pause();
        return Task.CompletedTask;
    }

    public Task ResumeAsync()
    {
        _process?.Resume();
        return Task.CompletedTask;
    }

    /// <summary>Stops the server and starts it again with the same port and data.</summary>
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

    /// <summary>
    /// Starts the server for the first time. Another process can take the port before the server binds it. In this case the start is
    /// repeated with another port, at most three times.
    /// </summary>
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
            catch (InvalidOperationException) when (attempt < 4
                && server.Output.Contains(
                    "in use", StringComparison.OrdinalIgnoreCase) | server.Output.Contains("eaddrinuse", StringComparison.Ordinal))
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

    /// <summary>Writes the files that the server needs and returns its command line.</summary>
    private protected abstract Task<ProcessSpec> PrepareAsync();

    /// <summary>Whether this output line means that the server accepts connections.</summary>
    private protected abstract bool IsReadyLine(string line);

    private async Task DiscardProcessAsync()
    {
        if (_process is { } old)
        {
            await old.DisposeAsync();
        }
    }
}
