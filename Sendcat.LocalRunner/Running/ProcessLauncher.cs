using System.Diagnostics;

namespace Sendcat.LocalRunner.Running;

internal sealed class ProcessLauncher(LogBook logs)
{
    /// <summary>Settings of the runner itself that its children must not take for theirs.</summary>
    private static readonly string[] NotInherited =
        ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "HTTP_PORTS", "HTTPS_PORTS", "URLS", "DOTNET_LAUNCH_PROFILE", "NOTIFY_SOCKET"];

    public async Task<LaunchedProcess> StartAsync(ProcessPlan plan, string name, bool? deathSignal = null)
    {
        var words = ProcessGuard.Before(plan.Command, plan.Arguments, deathSignal);
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            WorkingDirectory = plan.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var key in start.Environment.Keys.Where(key => NotInherited.Contains(key) || key.StartsWith("Parameters__", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(key);
        }

        foreach (var (key, value) in plan.Environment)
        {
            start.Environment[key] = value;
        }

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => logs.Write(name, line.Data);
        process.ErrorDataReceived += (_, line) => logs.Write(name, line.Data);
        var launched = new LaunchedProcess(process);
        await LaunchThread.RunAsync(process.Start);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return launched;
    }
}
