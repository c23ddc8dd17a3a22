using System.Globalization;
using Sendcat.TestKit.Processes;

namespace Sendcat.KillRig.Chatting;

/// <summary>The model provider and the Graph API of WhatsApp, in a separate process. No fault is injected into it.</summary>
internal sealed class ModelProcess(TestProcess process, Uri address) : IAsyncDisposable
{
    public Uri Address => address;

    public string BaseUrl => new Uri(address, "openrouter/api/v1").ToString();

    public static async Task<ModelProcess> StartAsync()
    {
        var (address, unused) = (Local(), Local());
        var process = await TestProcess.StartAsync(new ProcessSpec(
            BuiltProgram.Of("Sendcat.UpstreamEmulator"), "--h1", address.ToString(), "--h2c", unused.ToString()));
        await process.WaitForLineAsync(line => line.Contains("answers at", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        return new(process, address);
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private static Uri Local() => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}/"));
}
