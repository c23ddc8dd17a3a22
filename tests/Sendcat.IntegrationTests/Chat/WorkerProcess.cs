using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>One tool worker as a process of its own, so that it can be killed and frozen.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartUp = TimeSpan.FromSeconds(60);

    private WorkerProcess(TestProcess process) => Process = process;

    public TestProcess Process { get; }

    public static async Task<WorkerProcess> StartAsync(IReadOnlyDictionary<string, string?> environment)
    {
        var process = await TestProcess.StartAsync(new ProcessSpec(BuiltProgram.Of("Sendcat.ToolWorker"))
        {
            Environment = new Dictionary<string, string?>(environment) { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0", ["DOTNET_ENVIRONMENT"] = "Development" },
        });
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartUp);
        return new WorkerProcess(process);
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
