using System.Globalization;
using System.Net.Http.Json;
using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Targets;

/// <summary>The upstream emulator in a separate process.</summary>
internal sealed class Emulator : IAsyncDisposable
{
    private readonly HttpClient _http = new();
    private readonly TestProcess _process;

    private Emulator(TestProcess process, Uri http1, Uri h2c)
    {
        _process = process;
        (Http1, H2c) = (http1, h2c);
    }

    public Uri Http1 { get; }

    public Uri H2c { get; }

    public int ProcessId => _process.Id;

    public static async Task<Emulator> StartAsync()
    {
        var (http1, h2c) = (FreePort.Next(), FreePort.Next());
        var started = await TestProcess.StartAsync(new ProcessSpec(
            Checkout.Executable("Sendcat.UpstreamEmulator"), "--h1", Local(http1).ToString(), "--h2c", Local(h2c).ToString()));
        await started.WaitForLineAsync(line => line.Contains("answers at", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        return new(started, Local(http1), Local(h2c));
    }

    /// <summary>Waits until no request is open at the emulator, or until <paramref name="timeout"/> has passed.</summary>
    /// <returns>The number of open requests.</returns>
    public async Task<long> WaitUntilIdleAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var wait = string.Create(CultureInfo.InvariantCulture, $"stats/wait?active=0&timeoutMs={timeout.TotalMilliseconds:0}");
        using var response = await _http.GetAsync(new Uri(Http1, wait), cancellationToken);
        return (await response.Content.ReadFromJsonAsync<Snapshot>(cancellationToken))!.Totals.Active;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
    }

    private static Uri Local(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));

    private sealed record Snapshot(Counts Totals);

    private sealed record Counts(long Active);
}
