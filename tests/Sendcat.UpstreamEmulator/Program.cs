namespace Sendcat.UpstreamEmulator;

/// <summary>
/// The entry point: <c>dotnet run --project tests/Sendcat.UpstreamEmulator [--h1 URL;URL] [--h2c URL;URL] [--keep-requests N]</c>.
/// The class has its own name because a test project that references several programs may see only one class named <c>Program</c>.
/// </summary>
internal static class EmulatorProgram
{
    private static readonly Dictionary<string, string> Switches = new(StringComparer.Ordinal)
    {
        ["--h1"] = "EMULATOR_URL_H1",
        ["--h2c"] = "EMULATOR_URL_H2C",
        ["--keep-requests"] = "EMULATOR_KEEP_REQUESTS",
    };

    private static async Task Main(string[] args)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddEnvironmentVariables("ASPNETCORE_")
            .AddCommandLine(args, Switches).Build();
        await using var emulator = await UpstreamEmulatorHost.StartAsync(EmulatorOptions.From(configuration));
        Console.WriteLine(
            $"Upstream emulator answers at {string.Join(' ', emulator.Http1Addresses)} (HTTP/1.1) "
            + $"and {string.Join(' ', emulator.H2cAddresses)} (h2c); "
            + $"statistics at {emulator.Http1}stats; mails at {emulator.Http1}mail");
        await emulator.WaitForShutdownAsync();
    }
}
