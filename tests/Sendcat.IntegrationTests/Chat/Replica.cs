using Sendcat.TestKit.Processes;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>One replica of the API, inside of this process or as a process of its own.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly ApiProcess? program;
    private readonly IAsyncDisposable api;

    public Replica(ApiHost host) => (api, Address) = (host, host.Address);

    public Replica(ApiProcess program) => (api, Address, this.program) = (program, program.Address, program);

    public Uri Address { get; }

    /// <summary>What can be killed, frozen and read.</summary>
    /// <exception cref="InvalidOperationException">It runs inside of this process.</exception>
    public TestProcess Process => Program.Process;

    /// <inheritdoc cref="ApiProcess.StackTraces"/>
    public int StackTraces => Program.StackTraces;

    private ApiProcess Program => program ?? throw new InvalidOperationException("This replica has no process of its own; start the system with StartProcessesAsync.");

    public ValueTask DisposeAsync() => api.DisposeAsync();
}
