using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.TestKit.Programs;

/// <summary>One replica of the API in its own process, so that a test can kill or pause it.</summary>
public sealed class ApiProcess : IAsyncDisposable
{
    // A start takes 5 s of CPU time, of which a busy machine gives little. The timeout ends the wait for a process that hangs.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);

    private ApiProcess(TestProcess process, Uri address) => (Process, Address) = (process, address);

    public TestProcess Process { get; }

    public Uri Address { get; }

    /// <summary>The number of stack-trace lines of Sendcat code among the last lines of the log.</summary>
    public int StackTraces => Process.Output.Split("   at Sendcat.").Length - 1;

    /// <summary>Starts the program and waits, at most three minutes, until it has started.</summary>
    /// <param name="environment">
    /// Variables that are added to the environment of this process. The default environment name is Development.
    /// </param>
    /// <param name="descriptors">The maximum number of open file descriptors; null: the limit of this process.</param>
    /// <param name="logFile">The file for the whole log; null: the last lines stay in memory.</param>
    /// <exception cref="InvalidOperationException">
    /// The program ended, or did not start in time. The message contains its output.
    /// </exception>
    public static async Task<ApiProcess> StartAsync(
        IReadOnlyDictionary<string, string?> environment, int? descriptors = null, string? logFile = null)
    {
        var port = FreePort.Next();
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var program = BuiltProgram.Of("Sendcat.ApiService");
        var spec = descriptors is { } limit
            ? new ProcessSpec("/bin/sh", "-c", string.Create(CultureInfo.InvariantCulture, $"ulimit -n {limit} && exec \"$0\""), program)
            : new ProcessSpec(program);
        var process = await TestProcess.StartAsync(
            spec with { Environment = ProgramEnvironment.Of(environment, address.ToString()), LogFile = logFile });
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), StartTimeout);
        return new ApiProcess(process, address);
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
