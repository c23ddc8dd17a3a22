using Sendcat.Benchmarks.Measure;
using Sendcat.TestKit.Processes;

namespace Sendcat.Benchmarks.Targets;

/// <summary>A tool worker in a separate process.</summary>
internal static class Worker
{
    /// <param name="environment">The addresses of the stores and of the upstreams, and the keys.</param>
    public static async Task<TestProcess> StartAsync(IReadOnlyDictionary<string, string?> environment)
    {
        var worker = await TestProcess.StartAsync(new ProcessSpec(Checkout.Executable("Sendcat.ToolWorker"))
        {
            Environment = new Dictionary<string, string?>(environment)
            {
                ["DOTNET_ENVIRONMENT"] = "Production",
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0", // not that of the API
            },
        });
        await worker.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
        return worker;
    }
}
