using System.Diagnostics;
using System.Globalization;
using System.Net;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>
/// Linux only, because the test finds remaining processes in /proc. It runs after the shared system of the other tests has ended.
/// </summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class KilledAppHostTests
{
    private const string Name = "killed AppHost";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task An_AppHost_ended_by_kill_9_leaves_no_process_after_30_seconds()
    {
        using var state = new TestFolder("killed");
        var ports = FreePorts.Choose();
        await using var appHost = await TestProcess.StartAsync(
            AppHostProgram.With(
                "--infra=local", $"--SENDCAT_STATE={state.Path}",
                string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={ports.Base}")));
        using var client = new HttpClient();
        var pages = new[]
        {
            $"http://127.0.0.1:{ports.Api}/health",
            $"http://127.0.0.1:{ports.Worker}/health",
            $"http://127.0.0.1:{ports.Monitor}/alive",
            $"http://127.0.0.1:{ports.Dashboard}/login",
        };
        await UntilAsync(
            async () => (await Task.WhenAll(pages.Select(page => RespondsAsync(client, page)))).All(responds => responds), StartTimeout);
        var running = ProcessesOf(state.Path);

        appHost.Send(UnixSignal.Kill);
        await UntilAsync(() => Task.FromResult(ProcessesOf(state.Path) is []), CleanupTimeout);

        Assert.Superset(
            new HashSet<string>(
                [
                    "dcp", "Aspire.Dashboard", "redis-server", "postgres", "beam.smp", "epmd",
                    "Sendcat.ApiService", "Sendcat.ToolWorker", "Sendcat.Monitor", "Sendcat.UpstreamEmulator",
                ],
                StringComparer.Ordinal),
            running.ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>
    /// The names of the running processes of the run with this state folder. Their environment contains <c>SENDCAT_RUN</c>.
    /// </summary>
    private static IReadOnlyList<string> ProcessesOf(string state)
    {
        var names = new List<string>();
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                if (EnvironmentOf(process.Id).Contains($"SENDCAT_RUN={state}", StringComparer.Ordinal))
                {
                    names.Add(process.ProcessName);
                }
            }
        }

        return names;
    }

    private static string[] EnvironmentOf(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ").Split('\0');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return []; // The process has ended, or it belongs to another user.
        }
    }

    private static async Task<bool> RespondsAsync(HttpClient client, string page)
    {
        try
        {
            using var response = await client.GetAsync(page);
            return response.StatusCode is HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan timeout)
    {
        using var expired = new CancellationTokenSource(timeout);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (!await condition())
        {
            await timer.WaitForNextTickAsync(expired.Token);
        }
    }
}
