using System.Diagnostics;
using System.Globalization;

namespace Sendcat.EndToEndTests.LocalRunner;

public sealed class KilledRunnerTests
{
    private readonly string _state = Path.Combine(Path.GetTempPath(), $"sendcat-killed-{Guid.NewGuid():N}");

    [Fact]
    public async Task A_runner_ended_by_kill_9_leaves_no_process()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        using var runner = Start();
        await UntilAsync(() => File.Exists(PhaseFile) && File.ReadAllText(PhaseFile) == "ready", patience.Token);
        var running = Marked();

        runner.Kill();
        await UntilAsync(() => Marked().Count == 0, patience.Token);

        // Redis, Postgres, RabbitMQ and its port mapper, emulator, API, worker, Monitor: nothing of it was invisible to the search.
        Assert.True(running.Count >= 8, $"only {running.Count} processes were found before");
        Directory.Delete(_state, recursive: true);
    }

    private string PhaseFile => Path.Combine(_state, "run", "phase");

    private Process Start() => Process.Start(new ProcessStartInfo(
        "dotnet",
        [
            typeof(Projects.Sendcat_AppHost).Assembly.Location, "--infra=local", $"--SENDCAT_STATE={_state}", string.Create(CultureInfo.InvariantCulture, $"--SENDCAT_PORT_BASE={PortBase.Free()}"),
        ])
    {
        RedirectStandardOutput = false,
    })!;

    /// <summary>Living processes that carry the mark of this run. A dead one that nobody has buried yet has no environment any more.</summary>
    private List<int> Marked()
    {
        var mark = $"SENDCAT_RUN={_state}";
        return [.. Process.GetProcesses().Select(process => process.Id).Where(pid => EnvironmentOf(pid).Contains(mark, StringComparer.Ordinal))];
    }

    private static string[] EnvironmentOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ").Split('\0');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static async Task UntilAsync(Func<bool> fulfilled, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!fulfilled())
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }
}
