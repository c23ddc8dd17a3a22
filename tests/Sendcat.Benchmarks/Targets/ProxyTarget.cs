using System.Globalization;
using Sendcat.Benchmarks.Proxies;
using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Targets;

/// <summary>The path client → bare proxy in a separate process → emulator.</summary>
internal sealed class ProxyTarget : DirectTarget, IAsyncDisposable
{
    private readonly TestProcess _process;

    private ProxyTarget(string kind, Uri address, TestProcess process)
        : base(kind, address) => _process = process;

    public override int? ProcessId => _process.Id;

    public static async Task<ProxyTarget> StartAsync(string kind, Uri upstream)
    {
        var port = FreePort.Next();
        var started = await TestProcess.StartAsync(new ProcessSpec(
            Measure.Checkout.Executable("Sendcat.Benchmarks"), "proxy", kind, "--port", port.ToString(CultureInfo.InvariantCulture),
            "--upstream", upstream.ToString()));
        await started.WaitForLineAsync(line => line == ProxyCommand.Ready, TimeSpan.FromSeconds(30));
        return new(kind, new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/")), started);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
