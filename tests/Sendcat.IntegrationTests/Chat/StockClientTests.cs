using System.Diagnostics;
using Sendcat.TestKit.Processes;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>
/// Stock <c>useChat</c> of the AI SDK against two replicas: the Node project <c>tests/Sendcat.StockClients</c>. Skipped without Node.
/// </summary>
public sealed class StockClientTests(SharedStores stores)
{
    private static readonly TimeSpan MaxRunTime = TimeSpan.FromMinutes(10);
    private static readonly SemaphoreSlim Installing = new(1);

    private static string Project => Path.Combine(BuiltProgram.Root, "tests", "Sendcat.StockClients");

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public async Task Stock_useChat_sends_stops_resumes_edits_and_regenerates_under_its_own_ids(int major)
    {
        if (await RunAsync("node", ["--version"]) is not { ExitCode: 0 } node
            || !Version.TryParse(node.Output.Trim().TrimStart('v'), out var version)
            || version.Major < 20)
        {
            Assert.Skip("Node 20 or later is not installed");
            return;
        }

        await InstallAsync();
        await using var sendcat = await SendcatSystem.StartAsync(stores, replicas: 2, ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"));

        var tests = await RunAsync(
            "node", ["--test", "useChat.test.mjs", "howTo.test.mjs"],
            ("AI_MAJOR", major.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("SENDCAT_URLS", string.Join(',', sendcat.Replicas.Select(replica => replica.Address))));

        Assert.True(tests is { ExitCode: 0 }, tests?.Output);
    }

    private static async Task InstallAsync()
    {
        await Installing.WaitAsync();
        try
        {
            // npm writes this file when it has installed everything.
            var installed = new FileInfo(Path.Combine(Project, "node_modules", ".package-lock.json"));
            if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(Project, "package-lock.json")))
            {
                return;
            }

            var install = await RunAsync("npm", ["ci", "--no-audit", "--no-fund"]);
            if (install is not { ExitCode: 0 })
            {
                Assert.Skip($"The npm packages cannot be installed: {install?.Output}");
            }
        }
        finally
        {
            Installing.Release();
        }
    }

    /// <returns>Null if the program is not installed.</returns>
    private static async Task<ProgramRun?> RunAsync(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Project, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }

        using (process)
        using (var timeout = new CancellationTokenSource(MaxRunTime))
        await using (timeout.Token.Register(() => process.Kill(entireProcessTree: true)))
        {
            var (output, errors) =
                (process.StandardOutput.ReadToEndAsync(CancellationToken.None),
                    process.StandardError.ReadToEndAsync(CancellationToken.None));
            await process.WaitForExitAsync(CancellationToken.None);
            return new(process.ExitCode, await output + await errors);
        }
    }

    private sealed record ProgramRun(int ExitCode, string Output);
}
