using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Programs;

/// <summary>One tool worker in its own process, so that a test can kill or pause it.</summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    // A start takes 5 s of CPU time, of which a busy machine gives little. The timeout ends the wait for a process that hangs.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);

    private WorkerProcess(TestProcess process) => Process = process;

    public TestProcess Process { get; }

    /// <inheritdoc cref="ApiProcess.StartAsync"/>
    public static async Task<WorkerProcess> StartAsync(IReadOnlyDictionary<string, string?> environment, string? logFile = null)
    {
        var process = await TestProcess.StartAsync(new ProcessSpec(BuiltProgram.Of("Sendcat.ToolWorker"))
        {
            Environment = ProgramEnvironment.Of(environment, "http://127.0.0.1:0"),
            LogFile = logFile,
        });
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartTimeout);
        return new WorkerProcess(process);
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
