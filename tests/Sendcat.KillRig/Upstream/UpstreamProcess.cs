using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.KillRig.Upstream;

/// <summary>The upstream in a separate process. No fault is injected into it.</summary>
internal sealed class UpstreamProcess(TestProcess process, Uri address) : IAsyncDisposable
{
    public static async Task<UpstreamProcess> StartAsync(string folder)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/"));
        var process = await TestProcess.StartAsync(new ProcessSpec(
            BuiltProgram.Of("Sendcat.KillRig"), "upstream", "--url", address.ToString(), "--ledger",
            Path.Combine(folder, "upstream.ledger"))
        {
            LogFile = Path.Combine(folder, "upstream.log"),
        });
        await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        return new(process, address);
    }

    /// <summary>The base address for one worker process.</summary>
    /// <param name="worker">The index of the worker.</param>
    /// <param name="start">The number of its start.</param>
    public string AddressFor(int worker, int start) =>
        new Uri(address, string.Create(CultureInfo.InvariantCulture, $"{worker}/{start}")).ToString();

    /// <summary>Waits for the request of a poisonous job.</summary>
    /// <param name="number">The number of the request among those of poisonous jobs, from 1.</param>
    /// <returns>The index of the worker that sent the request, and the number of its start; null when the upstream has ended.</returns>
    public async Task<(int Worker, int Start)?> WaitForPoisonAsync(int number)
    {
        try
        {
            var line = await process.WaitForLineAsync(
                line => line.StartsWith($"poison {number} ", StringComparison.Ordinal), TimeSpan.FromDays(1));
            var fields = line.Split(' ');
            return (int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture));
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
