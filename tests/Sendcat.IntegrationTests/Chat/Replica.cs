using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>One replica of the API, inside the test process or as a separate process.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly ApiProcess? _program;
    private readonly IAsyncDisposable _api;

    public Replica(ApiHost host) => (_api, Address) = (host, host.Address);

    public Replica(ApiProcess program) => (_api, Address, _program) = (program, program.Address, program);

    public Uri Address { get; }

    /// <summary>The separate process, which a test can kill and suspend and whose log it can read.</summary>
    /// <exception cref="InvalidOperationException">The replica runs inside the test process.</exception>
    public TestProcess Process => Program.Process;

    /// <summary>The resident memory of the separate process.</summary>
    public long MemoryBytes
    {
        get
        {
            using var process = System.Diagnostics.Process.GetProcessById(Process.Id);
            return process.WorkingSet64;
        }
    }

    /// <inheritdoc cref="ApiProcess.StackTraces"/>
    public int StackTraces => Program.StackTraces;

    private ApiProcess Program =>
        _program
            ?? throw new InvalidOperationException("This replica has no process of its own; start the system with StartProcessesAsync.");

    public ValueTask DisposeAsync() => _api.DisposeAsync();
}
