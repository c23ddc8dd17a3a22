using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Programs;

/// <summary>One replica of the API as a process of its own, so that it can be killed and frozen.</summary>
public sealed class ApiProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartUp = TimeSpan.FromSeconds(60);

    private ApiProcess(TestProcess process, Uri address) => (Process, Address) = (process, address);

    public TestProcess Process { get; }

    public Uri Address { get; }

    /// <summary>Stack traces among the last lines of the log.</summary>
    public int StackTraces => Process.Output.Split("   at Sendcat.").Length - 1;

    /// <param name="environment">Over that of this process; in Development, unless it says otherwise.</param>
    /// <param name="descriptors">What the process may open at most; null: as many as this one.</param>
    /// <param name="logFile">Where its whole log goes; null: the last lines are kept in memory.</param>
    public static async Task<ApiProcess> StartAsync(IReadOnlyDictionary<string, string?> environment, int? descriptors = null, string? logFile = null)
    {
        var port = FreePort.Next();
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var program = BuiltProgram.Of("Sendcat.ApiService");
        var spec = descriptors is { } limit ? new ProcessSpec("/bin/sh", "-c", string.Create(CultureInfo.InvariantCulture, $"ulimit -n {limit} && exec \"$0\""), program) : new ProcessSpec(program);
        var process = await TestProcess.StartAsync(spec with { Environment = ProgramEnvironment.Of(environment, address.ToString()), LogFile = logFile });
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartUp);
        return new ApiProcess(process, address);
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
